/**
 * Secrets, by id only: labels deadlock and ids are never parsed.
 *
 * @module
 */
import type { SecretContent, SecretOptions } from "./juju/commands/secret.ts";
import type { Relation } from "./relation.ts";
import type { Session } from "./session.ts";

/** How handlers use secrets. Contents are masked in every log line from the first sight on. */
export class Secrets {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Content of a secret.
   *
   * @param uri as Juju or the remote side gave it
   * @param mode `tracked`: the revision that this unit tracks; `peek`: the latest, once; `refresh`: from now on
   * @throws {NotFoundError} when there is no such secret
   * @throws {PermissionDeniedError} when it was not granted (yet)
   */
  async get(uri: string, mode: "tracked" | "peek" | "refresh" = "tracked"): Promise<SecretContent> {
    const pending = this.#session.effects.secrets.findLast((effect) =>
      effect.kind === "set" && effect.uri === uri && effect.content !== undefined
    );
    const content = mode !== "tracked" && pending?.kind === "set" && pending.content
      ? pending.content
      : await this.#session.once(`secret ${mode} ${uri}`, () => this.#session.commands.secret.get(uri, mode));
    if (mode === "refresh") this.#session.remember(`secret tracked ${uri}`, content);
    this.#mask(content);
    return content;
  }

  /**
   * Makes a secret. Juju reserves the URI at once and makes the secret with the commit of the hook.
   *
   * @returns the URI; keep it in peer data or stored state
   * @throws {NotLeaderError} for an application's secret on a unit that does not lead
   */
  async add(content: SecretContent, options: SecretOptions = {}): Promise<string> {
    this.#mask(content);
    const uri = await this.#session.commands.secret.add(content, options);
    this.#session.effects.addedSecrets++;
    return uri;
  }

  /** Replaces the whole content of an own secret when the hook commits. */
  set(uri: string, content: SecretContent, options: SecretOptions = {}): void {
    this.#mask(content);
    this.#session.effects.secrets.push({ kind: "set", uri, content, options });
  }

  /** Changes what is said about an own secret, without a new revision. */
  describe(uri: string, options: SecretOptions): void {
    this.#session.effects.secrets.push({ kind: "set", uri, options });
  }

  /** Lets the remote application of a relation, or one unit of it, read an own secret. */
  grant(uri: string, relation: Relation, unit?: string): void {
    this.#access("grant", uri, relation, unit);
  }

  /** Takes a grant back. */
  revoke(uri: string, relation: Relation, unit?: string): void {
    this.#access("revoke", uri, relation, unit);
  }

  /** Removes an own secret, or one revision of it. */
  remove(uri: string, revision?: number): void {
    this.#session.effects.secrets.push({ kind: "remove", uri, ...(revision === undefined ? {} : { revision }) });
  }

  /** What Juju says about an own secret: revision, rotation, expiry, grants. */
  info(uri: string): Promise<Readonly<Record<string, unknown>>> {
    return this.#session.commands.secret.info(uri);
  }

  /** Ids of the secrets that this unit or application owns. */
  ids(): Promise<string[]> {
    return this.#session.commands.secret.ids();
  }

  /** The last word on an access counts: Juju keeps grants and revocations of one hook apart, without their order. */
  #access(kind: "grant" | "revoke", uri: string, relation: Relation, unit: string | undefined): void {
    const { secrets } = this.#session.effects;
    const earlier = secrets.findIndex((effect) =>
      (effect.kind === "grant" || effect.kind === "revoke") && effect.uri === uri &&
      effect.relationId === relation.id && effect.unit === unit
    );
    if (earlier >= 0) secrets.splice(earlier, 1);
    secrets.push({ kind, uri, relationId: relation.id, ...(unit === undefined ? {} : { unit }) });
  }

  #mask(content: SecretContent): void {
    for (const value of Object.values(content)) this.#session.redactor.add(value);
  }
}
