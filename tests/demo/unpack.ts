/**
 * Unpacks a `.charm` as Juju does: files with their modes, symlinks as symlinks.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { dirname, join, relative, resolve } from "node:path";
import { inflateRawSync } from "node:zlib";

const END_RECORD = 0x06054b50;
const END_RECORD_BYTES = 22;
const STORED = 0;
const LINK_MODE = 0o120000;
const TYPE_MASK = 0o170000;

/**
 * Unpacks a zip archive without a comment, as `build/pack.ts` writes it, by its central directory.
 *
 * @param archive bytes of the archive
 * @param directory where it goes; is created
 * @returns the paths in it
 * @throws {RangeError} it is no such archive, or an entry lies outside the directory
 */
export async function unpackCharm(archive: Uint8Array, directory: string): Promise<string[]> {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = bytes.length - END_RECORD_BYTES;
  if (end < 0 || bytes.readUInt32LE(end) !== END_RECORD) throw new RangeError("this is no charm archive");
  const paths: string[] = [];
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = bytes.readUInt16LE(at + 28);
    const path = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    const mode = bytes.readUInt32LE(at + 38) >>> 16;
    await writeEntry(resolve(directory), path, mode, contentOf(bytes, at));
    paths.push(path);
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return paths;
}

function contentOf(bytes: Buffer, at: number): Uint8Array {
  const local = bytes.readUInt32LE(at + 42);
  const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  const packed = bytes.subarray(start, start + bytes.readUInt32LE(at + 20));
  return bytes.readUInt16LE(at + 10) === STORED ? packed : inflateRawSync(packed);
}

async function writeEntry(directory: string, path: string, mode: number, content: Uint8Array): Promise<void> {
  const target = join(directory, path);
  if (relative(directory, target).startsWith("..")) throw new RangeError(`${path} lies outside the charm`);
  await Deno.mkdir(dirname(target), { recursive: true });
  if ((mode & TYPE_MASK) === LINK_MODE) await Deno.symlink(new TextDecoder().decode(content), target);
  else await Deno.writeFile(target, content, { mode: mode & 0o777 });
}
