/**
 * What a charm's files say, kept as JSON beside the texts it was made of, so that a hook need not parse YAML.
 *
 * @module
 */
import { isRecord } from "../juju/shape.ts";
import type { CharmMetadata } from "./metadata.ts";
import { isValidName, type Named } from "./names.ts";
import { CHARM_FILES, type CharmSources } from "./sources.ts";

/** Counts up with each change of what is stored, or of how the files are read. */
const FORMAT = 1;
const DIRECTORY = ".charmlet";
const FILE = "charm.json";
const WRITABLE_BY_OTHERS = 0o022;
/** The texts are kept too: more than all files of a charm may have together cannot be ours. In bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The cached charm, if it was made of exactly these texts. Anything else about the cache counts as none: damage, another
 * format, an owner other than this process or root, or write permission for others.
 *
 * @param dir the charm's directory
 */
export function readCache(dir: string, sources: CharmSources): CharmMetadata | undefined {
  try {
    const path = `${dir}/${DIRECTORY}/${FILE}`;
    const { isFile, isSymlink, mode, uid, size } = Deno.lstatSync(path);
    const isTrusted = isFile && !isSymlink && ((mode ?? 0) & WRITABLE_BY_OTHERS) === 0 &&
      (uid === 0 || uid === Deno.uid());
    if (!isTrusted || size > MAX_BYTES) return undefined;
    const cache: unknown = JSON.parse(Deno.readTextFileSync(path));
    return isRecord(cache) && cache.format === FORMAT && isMadeOf(cache.sources, sources) && isCharm(cache.charm)
      ? cache.charm
      : undefined;
  } catch {
    // The files themselves are still there to read.
    return undefined;
  }
}

/**
 * Writes the cache, atomically and for the owner only. Where that cannot be done, hooks go on without.
 *
 * @param dir the charm's directory
 */
export async function writeCache(dir: string, sources: CharmSources, charm: CharmMetadata): Promise<void> {
  const directory = `${dir}/${DIRECTORY}`;
  const temporary = `${directory}/${FILE}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(directory, { mode: 0o700, recursive: true });
    if (!(await Deno.lstat(directory)).isDirectory) return;
    await Deno.writeTextFile(temporary, JSON.stringify({ format: FORMAT, sources, charm }), {
      mode: 0o600,
      createNew: true,
    });
    await Deno.rename(temporary, `${directory}/${FILE}`);
  } catch {
    await Deno.remove(temporary).catch(() => {});
  }
}

function isMadeOf(cached: unknown, sources: CharmSources): boolean {
  return isRecord(cached) && CHARM_FILES.every((name) => cached[name] === sources[name]);
}

/** Whether a value is what the parser makes: damage must not show as an error of the code that uses it. */
function isCharm(value: unknown): value is CharmMetadata & Record<string, unknown> {
  return isRecord(value) && isNamed("charm", value.name) && typeof value.summary === "string" &&
    typeof value.subordinate === "boolean" && isListOf(value.endpoints, isEndpoint) &&
    isListOf(value.storages, (name) => isNamed("storage", name)) &&
    isListOf(value.containers, (name) => isNamed("container", name)) &&
    isMapOf(value.config, isOption) && isMapOf(value.actions, isAction);
}

function isEndpoint(value: unknown): boolean {
  return isRecord(value) && isNamed("endpoint", value.name) && typeof value.interface === "string" &&
    ["provides", "requires", "peers"].some((role) => role === value.role) &&
    (value.scope === "global" || value.scope === "container");
}

function isOption(value: unknown, name: string): boolean {
  return isRecord(value) && value.name === name && typeof value.description === "string" &&
    ["string", "int", "float", "boolean", "secret"].some((type) => type === value.type);
}

function isAction(value: unknown, name: string): boolean {
  return isRecord(value) && value.name === name && isNamed("action", name) && typeof value.description === "string" &&
    isRecord(value.params) && isListOf(value.required, (each) => typeof each === "string") &&
    typeof value.additionalProperties === "boolean";
}

function isNamed(what: Named, value: unknown): boolean {
  return typeof value === "string" && isValidName(what, value);
}

function isListOf(value: unknown, isOne: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isMapOf(value: unknown, isOne: (item: unknown, name: string) => boolean): boolean {
  return isRecord(value) && Object.entries(value).every(([name, item]) => isOne(item, name));
}
