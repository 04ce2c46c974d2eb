/**
 * Loads what a charm's files say, from a cache where it is still true.
 *
 * @module
 */
import { readCache, writeCache } from "./cache.ts";
import type { CharmMetadata } from "./metadata.ts";
import { readSources } from "./sources.ts";

/** A charm that was read. */
export interface CharmReading {
  readonly charm: CharmMetadata;
  /** Whether {@linkcode CharmReading.writeCache} would save the next hook the parsing. */
  readonly cacheIsStale: boolean;
  /** Keeps the result for the next hook. A charm directory that cannot be written is no error. */
  readonly writeCache: () => Promise<void>;
}

/**
 * Reads a charm, from its cache if that was made of the same texts; the YAML parser is loaded only if it was not.
 *
 * @param dir the charm's directory
 * @throws {EnvironmentError} the directory is not that of a charm
 * @throws {CharmFileError} a file cannot be read or is wrong; the message has file:line:column and what to do
 */
export async function readCharm(dir: string): Promise<CharmReading> {
  const sources = readSources(dir);
  const cached = readCache(dir, sources);
  if (cached) return { charm: cached, cacheIsStale: false, writeCache: async () => {} };
  const { parseCharm } = await import("./parse.ts");
  const charm = parseCharm(dir, sources);
  return { charm, cacheIsStale: true, writeCache: () => writeCache(dir, sources, charm) };
}

/** Whether {@linkcode loadCharm} uses the cache. */
export interface LoadOptions {
  /** Read the cache, and write it where it is stale; false by default. */
  readonly cache?: boolean;
}

/**
 * Loads a charm's metadata, config options and actions.
 *
 * @param dir the charm's directory
 * @throws {EnvironmentError} the directory is not that of a charm
 * @throws {CharmFileError} a file cannot be read or is wrong; the message has file:line:column and what to do
 */
export async function loadCharm(dir: string, options: LoadOptions = {}): Promise<CharmMetadata> {
  if (!options.cache) {
    const { parseCharm } = await import("./parse.ts");
    return parseCharm(dir, readSources(dir));
  }
  const reading = await readCharm(dir);
  if (reading.cacheIsStale) await reading.writeCache();
  return reading.charm;
}
