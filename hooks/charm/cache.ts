/**
 * What a charm's files say, kept as JSON beside the texts it was made of, so that a hook need not parse YAML.
 *
 * @module
 */
import { isRecord } from "../juju/shape.ts";
import type { CharmMetadata } from "./metadata.ts";
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

/** Told apart from damage; the rest follows from the format's number. */
function isCharm(value: unknown): value is CharmMetadata & Record<string, unknown> {
  return isRecord(value) && typeof value.name === "string" && isRecord(value.config) && isRecord(value.actions) &&
    [value.endpoints, value.storages, value.containers].every(Array.isArray);
}
