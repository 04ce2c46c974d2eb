/**
 * The files of a charm that packing derives from charmcraft.yaml.
 *
 * @module
 */
import { parse, stringify } from "@std/yaml";
import { BUILD_TIME_MS } from "./bundle.ts";
import { BuildError } from "./errors.ts";

/** Architecture as charms name it. */
export type Architecture = "amd64" | "arm64";

/** Keys that metadata.yaml and charmcraft.yaml have in common. */
const METADATA_KEYS = [
  "name",
  "summary",
  "description",
  "assumes",
  "charm-user",
  "containers",
  "devices",
  "extra-bindings",
  "min-juju-version",
  "peers",
  "provides",
  "requires",
  "resources",
  "storage",
  "subordinate",
  "terms",
];

/** Keys of metadata.yaml by the key under `links` of charmcraft.yaml. */
const LINK_KEYS = {
  contact: "maintainers",
  documentation: "docs",
  issues: "issues",
  source: "source",
  website: "website",
};

type Mapping = Record<string, unknown>;

/**
 * Reads charmcraft.yaml.
 *
 * @throws {BuildError} the text is not a YAML mapping
 */
export function parseCharmcraft(text: string): Mapping {
  try {
    const value = parse(text);
    if (isMapping(value)) return value;
  } catch (error) {
    if (error instanceof SyntaxError) throw new BuildError(`charmcraft.yaml: ${error.message.split("\n")[0]}`);
    throw error;
  }
  throw new BuildError("charmcraft.yaml: must be a mapping of keys");
}

/** Splits charmcraft.yaml into the files that Juju reads; config.yaml and actions.yaml only where there is something. */
export function splitCharmcraft(charmcraft: Mapping): Map<string, string> {
  const metadata: Mapping = {};
  for (const key of METADATA_KEYS) if (key in charmcraft) metadata[key] = charmcraft[key];
  if ("title" in charmcraft) metadata["display-name"] = charmcraft.title;
  const links = isMapping(charmcraft.links) ? charmcraft.links : {};
  for (const [key, name] of Object.entries(LINK_KEYS)) if (key in links) metadata[name] = links[key];
  const files = new Map([["metadata.yaml", stringify(metadata)]]);
  if (isMapping(charmcraft.config)) files.set("config.yaml", stringify(charmcraft.config));
  if (isMapping(charmcraft.actions)) files.set("actions.yaml", stringify(charmcraft.actions));
  return files;
}

/**
 * Writes manifest.yaml, by which Juju knows the bases that a charm runs on.
 *
 * @param charmcraft as {@linkcode parseCharmcraft} returns it; empty where there is none
 * @param architecture of the executable in the archive: the only one that the archive runs on
 * @throws {BuildError} charmcraft.yaml lists bases, but none for this architecture
 */
export function makeManifest(charmcraft: Mapping, architecture: Architecture): string {
  const listed = listBases(charmcraft);
  const bases = listed.filter(({ architectures }) =>
    architectures.length === 0 || architectures.includes(architecture)
  );
  if (listed.length > 0 && bases.length === 0) {
    throw new BuildError(
      `charmcraft.yaml lists no base for ${architecture}: add one, or pack an executable for another`,
    );
  }
  return stringify({
    analysis: {
      attributes: [{ name: "language", result: "unknown" }, { name: "framework", result: "charmlet" }],
    },
    ...(bases.length > 0
      ? { bases: bases.map(({ name, channel }) => ({ name, channel, architectures: [architecture] })) }
      : {}),
    "charmcraft-started-at": new Date(BUILD_TIME_MS).toISOString(),
    tool: "charmlet",
  });
}

interface Base {
  readonly name: string;
  readonly channel: string;
  readonly architectures: readonly string[];
}

/** The bases in each form that charmcraft.yaml had over time: `bases`, with or without `run-on`, or `base` and `platforms`. */
function listBases(charmcraft: Mapping): Base[] {
  const entries = mappings(charmcraft.bases).flatMap((entry) =>
    "run-on" in entry ? mappings(entry["run-on"]) : [entry]
  );
  const bases = entries.map((entry) => ({
    name: String(entry.name),
    channel: String(entry.channel),
    architectures: strings(entry.architectures),
  }));
  if (bases.length > 0 || !isMapping(charmcraft.platforms)) return bases;
  const common = typeof charmcraft.base === "string" ? charmcraft.base : undefined;
  const byBase = new Map<string, string[]>();
  for (const [platform, settings] of Object.entries(charmcraft.platforms)) {
    const [base, architecture] = platform.includes(":") ? platform.split(":", 2) : [common, platform];
    if (!base || !architecture) continue;
    const buildFor = isMapping(settings)
      ? strings(settings["build-for"]).map((text) => text.split(":").at(-1) ?? text)
      : [];
    byBase.set(base, [...byBase.get(base) ?? [], ...buildFor.length > 0 ? buildFor : [architecture]]);
  }
  return [...byBase].map(([base, architectures]) => {
    const [name = base, channel = ""] = base.split("@", 2);
    return { name, channel, architectures: architectures.includes("all") ? [] : architectures };
  });
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function mappings(value: unknown): Mapping[] {
  return Array.isArray(value) ? value.filter(isMapping) : [];
}

function strings(value: unknown): string[] {
  return [value].flat().filter((item) => typeof item === "string");
}
