/**
 * Where a snapshot is written, and whether there is room for it.
 *
 * @module
 */
import { statfs } from "node:fs/promises";
import { isAbsolute, join, normalize } from "node:path";
import { ActionFailed } from "../hooks/errors.ts";

const MAX_PATH = 1024;
/** Room that is left to the member itself, in bytes. */
const RESERVE = 64 * 1024 * 1024;
const MIB = 1024 * 1024;

/**
 * The file of a snapshot.
 *
 * @param directory of the unit's snapshots
 * @param path what the operator asked for: a new file anywhere on the unit
 * @param now milliseconds since 1970
 * @throws {ActionFailed} when it cannot be a file
 */
export function snapshotFile(directory: string, path: string | undefined, now: number): string {
  if (path === undefined) {
    const time = new Date(now).toISOString().replace(/\.\d+Z$/, "Z").replaceAll(":", "-");
    return join(directory, `${time}.db`);
  }
  checkPath("path", path);
  return path;
}

/**
 * Checks a path that the operator gave.
 *
 * @throws {ActionFailed} when it is not the plain absolute path of a file
 */
export function checkPath(parameter: string, path: string): void {
  const isPlain = path.length <= MAX_PATH && isAbsolute(path) && normalize(path) === path && !path.endsWith("/");
  if (!isPlain || /\p{Cc}/u.test(path)) {
    throw new ActionFailed(`${parameter} must be the absolute path of a file on this unit, without .. or an end in /`);
  }
}

/**
 * Checks that a database fits, with something to spare.
 *
 * @param needed bytes
 * @param free bytes
 * @throws {ActionFailed} when it does not
 */
export function checkRoom(directory: string, needed: number, free: number): void {
  if (free >= needed + RESERVE) return;
  const [want, have] = [needed + RESERVE, free].map((bytes) => Math.ceil(bytes / MIB));
  throw new ActionFailed(`${directory} has ${have} MiB free, ${want} MiB are needed; make room, or give another path`);
}

/** Bytes that are free where a directory is. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
