/**
 * Hook commands about secrets (contract section 6, Juju 3.0 and later).
 *
 * @module
 */
import type { Call } from "../call.ts";
import { asRecord, asStringMap, asStrings } from "../shape.ts";

/** Key and value strings of a secret. Keys match `^([a-z](?:-?[a-z0-9]){2,})$`. */
export type SecretContent = Readonly<Record<string, string>>;

/** What can be said about a secret beside its content. */
export interface SecretOptions {
  readonly description?: string;
  readonly owner?: "application" | "unit";
  readonly rotate?: "never" | "hourly" | "daily" | "weekly" | "monthly" | "quarterly" | "yearly";
  /** RFC 3339 time or Go duration such as `24h`. */
  readonly expire?: string;
}

/** Typed forms of the `secret-*` commands. */
export function secretCommands(call: Call) {
  /** Runs a command with content that must not stand in a child process's argv. */
  async function withContent<T>(
    content: SecretContent | undefined,
    use: (flags: readonly string[], pairs: readonly string[]) => Promise<T>,
  ): Promise<T> {
    if (content === undefined) return await use([], []);
    if (call.kind === "native") return await use([], Object.entries(content).map(([key, value]) => `${key}=${value}`));
    const file = await Deno.makeTempFile({ prefix: "charmlet-" });
    try {
      await Deno.writeTextFile(file, JSON.stringify(content), { mode: 0o600 });
      return await use(["--file", file], []);
    } finally {
      await Deno.remove(file);
    }
  }
  const flags = (options: SecretOptions) => [
    ...(options.description === undefined ? [] : ["--description", options.description]),
    ...(options.rotate === undefined ? [] : ["--rotate", options.rotate]),
    ...(options.expire === undefined ? [] : ["--expire", options.expire]),
    ...(options.owner === undefined ? [] : ["--owner", options.owner]),
  ];
  const access = (relationId: number, unit: string | undefined) => [
    "-r",
    String(relationId),
    ...(unit === undefined ? [] : ["--unit", unit]),
  ];
  return {
    /** Makes a secret (with the commit of the hook) and returns its URI. */
    async add(content: SecretContent, options: SecretOptions = {}): Promise<string> {
      return (await withContent(
        content,
        (file, pairs) => call.text("secret-add", [...flags(options), ...file, "--", ...pairs]),
      )).trim();
    },
    /** Gives an own secret new content or other metadata. */
    async set(uri: string, content: SecretContent | undefined, options: SecretOptions = {}): Promise<void> {
      await withContent(
        content,
        (file, pairs) => call.run("secret-set", [...flags(options), ...file, "--", uri, ...pairs]),
      );
    },
    /** The tracked revision; `peek` the latest once; `refresh` the latest from now on. */
    async get(uri: string, mode: "tracked" | "peek" | "refresh"): Promise<Record<string, string>> {
      const flag = mode === "tracked" ? [] : [`--${mode}`];
      return asStringMap("secret-get", await call.json("secret-get", [...flag, "--", uri]));
    },
    /** Metadata of an own secret. */
    async info(uri: string): Promise<Record<string, unknown>> {
      const reply = asRecord("secret-info-get", await call.json("secret-info-get", ["--", uri]));
      return asRecord("secret-info-get", Object.values(reply)[0] ?? null);
    },
    /** Ids of the own secrets. */
    async ids(): Promise<string[]> {
      return asStrings("secret-ids", await call.json("secret-ids", []));
    },
    /** Lets the remote application (or one of its units) of a relation read a secret. */
    async grant(uri: string, relationId: number, unit?: string): Promise<void> {
      await call.run("secret-grant", [...access(relationId, unit), "--", uri]);
    },
    /** Takes a grant back. */
    async revoke(uri: string, relationId: number, unit?: string): Promise<void> {
      await call.run("secret-revoke", [...access(relationId, unit), "--", uri]);
    },
    /** Removes an own secret, or one revision of it. */
    async remove(uri: string, revision?: number): Promise<void> {
      const flag = revision === undefined ? [] : ["--revision", String(revision)];
      await call.run("secret-remove", [...flag, "--", uri]);
    },
  };
}
