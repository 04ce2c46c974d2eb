/**
 * The texts of the files that describe a charm.
 *
 * @module
 */
import { CharmFileError } from "../errors.ts";

/** Files that Juju reads at run time, and the one that packing makes them from. Source: contract section 9.1. */
export const CHARM_FILES = ["metadata.yaml", "config.yaml", "actions.yaml", "charmcraft.yaml"] as const;

/** Name of a file that describes a charm. */
export type CharmFileName = typeof CHARM_FILES[number];

/** The text of each file; null where there is no such file, or it is not needed. */
export type CharmSources = Readonly<Record<CharmFileName, string | null>>;

/** Larger files are refused, in bytes: the largest known charm has some 100 KiB. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads the files of a charm. charmcraft.yaml counts only where one of the other files is missing.
 * It reads synchronously: a few small local files, before there is anything else to do. It lists the directory first,
 * because each error for a missing file would cost more than that.
 *
 * @param dir the charm's directory
 * @throws {CharmFileError} a file cannot be read, is too large or is not UTF-8
 */
export function readSources(dir: string): CharmSources {
  const present = listNames(dir);
  const read = (name: CharmFileName) => present.has(name) ? readText(`${dir || "."}/${name}`) : null;
  const [metadata, config, actions] = [read("metadata.yaml"), read("config.yaml"), read("actions.yaml")];
  const isComplete = metadata !== null && config !== null && actions !== null;
  const charmcraft = isComplete ? null : read("charmcraft.yaml");
  return { "metadata.yaml": metadata, "config.yaml": config, "actions.yaml": actions, "charmcraft.yaml": charmcraft };
}

function listNames(dir: string): Set<string> {
  try {
    return new Set(Array.from(Deno.readDirSync(dir || "."), ({ name }) => name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return new Set();
    throw unreadable(dir || ".", error);
  }
}

function readText(path: string): string {
  try {
    const { isFile, size } = Deno.statSync(path);
    if (!isFile) throw new CharmFileError(`${path}: is not a file; replace it with one`);
    if (size > MAX_BYTES) {
      throw new CharmFileError(`${path}: has ${size} bytes; at most ${MAX_BYTES} are read: shorten it`);
    }
    return decode(path, Deno.readFileSync(path));
  } catch (error) {
    throw error instanceof CharmFileError ? error : unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): CharmFileError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CharmFileError(`${path}: cannot be read (${reason}); mend it or its permissions`, { cause });
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const before = new TextDecoder().decode(bytes).split("\ufffd", 1)[0] ?? "";
    const line = before.split("\n").length;
    const column = before.length - before.lastIndexOf("\n");
    throw new CharmFileError(`${path}:${line}:${column}: is not UTF-8; save the file as UTF-8`, { cause });
  }
}
