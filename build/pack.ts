/**
 * `build/deno task pack`: a charm directory and the executable become one archive that Juju deploys.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { dirname, join } from "node:path";
import { loadCharm } from "../hooks/charm/load.ts";
import { actionNames, hookNames } from "../hooks/charm/names.ts";
import { CharmletError } from "../hooks/errors.ts";
import { type ArchiveEntry, makeArchive } from "./archive.ts";
import { recordChecksums } from "./checksums.ts";
import { type Architecture, makeManifest, parseCharmcraft, splitCharmcraft } from "./charm_files.ts";
import { BuildError, runScript } from "./errors.ts";
import { projectDir, userPath } from "./project.ts";

const USAGE = `usage: build/deno task pack -- CHARM_DIR [-o FILE] [--dispatch] [--executable FILE]
  -o, --output      archive to write; NAME.charm in the current directory if left out
      --dispatch    one "dispatch" entry instead of an entry for each hook and action (Juju 2.8 and newer)
      --executable  executable to pack; if left out, the one in CHARM_DIR, bin/ or hooks/ of it, else dist/charmlet`;

const EXECUTABLE_PATH = "bin/charmlet";
/** Where an executable lies that was dropped into a charm. */
const DROPPED = [EXECUTABLE_PATH, "hooks/charmlet", "charmlet"];
/** What `compile` wrote beside it. */
const CHECKSUMS = DROPPED.map((path) => join(dirname(path), "SHA256SUMS"));

/** Not part of a charm, at the top of its directory. */
const LEFT_OUT = new Set([".charmlet", ".git", "charmcraft.yaml", "dist", "node_modules", "tests"]);

/** What {@linkcode packCharm} puts together. */
export interface PackOptions {
  /** Directory of the charm. */
  readonly charmDir: string;
  /** Path of the executable. */
  readonly executable: string;
  /** Whether one `dispatch` entry stands for all hooks and actions. */
  readonly dispatch?: boolean;
}

/**
 * Makes the archive of a charm.
 *
 * @returns the charm's name and the bytes of its archive
 * @throws {BuildError} the directory is no charm, or the executable is missing
 * @throws {CharmFileError} a file of the charm cannot be read
 */
export async function packCharm(options: PackOptions): Promise<{ name: string; archive: Uint8Array }> {
  const { charmDir } = options;
  const metadata = await loadCharm(charmDir);
  const executable = await readExecutable(options.executable);
  const charmcraft = parseCharmcraft(await readOptional(join(charmDir, "charmcraft.yaml")) ?? "{}");
  const entries = new Map<string, ArchiveEntry>();
  const add = (path: string, content: Uint8Array) => entries.set(path, { kind: "file", content, executable: false });
  const encode = (text: string) => new TextEncoder().encode(text);
  add("manifest.yaml", encode(makeManifest(charmcraft, architectureOf(executable))));
  for (const [path, text] of splitCharmcraft(charmcraft)) add(path, encode(text));
  await addDirectory(entries, charmDir, "");
  const links = options.dispatch ? [["dispatch", EXECUTABLE_PATH]] : [
    ...hookNames(metadata).map((name) => [`hooks/${name}`, `../${EXECUTABLE_PATH}`]),
    ...actionNames(metadata).map((name) => [`actions/${name}`, `../${EXECUTABLE_PATH}`]),
  ];
  for (const [path = "", target = ""] of links) {
    if (!entries.has(path)) entries.set(path, { kind: "symlink", target });
  }
  entries.set(EXECUTABLE_PATH, { kind: "file", content: executable, executable: true });
  return { name: metadata.name, archive: makeArchive(entries) };
}

/** The program of a charm: the executable that was dropped into it, else the standard one. */
export async function programOf(charmDir: string): Promise<string> {
  for (const path of DROPPED.map((dropped) => join(charmDir, dropped))) if (await isFile(path)) return path;
  return `${projectDir}/dist/charmlet`;
}

/** Adds the author's files; links to an executable, and copies of it, are left to the packing. */
async function addDirectory(entries: Map<string, ArchiveEntry>, root: string, directory: string): Promise<void> {
  for await (const { name, isSymlink, isDirectory } of Deno.readDir(join(root, directory))) {
    const path = directory ? `${directory}/${name}` : name;
    const full = join(root, path);
    if (LEFT_OUT.has(path) || path.endsWith(".charm")) continue;
    if (isSymlink) {
      const target = await Deno.readLink(full);
      if (isOwnLink(path, target)) continue;
      if (!staysInside(directory, target)) {
        throw new BuildError(`${full} links to ${target}, outside the charm: replace it with a copy`);
      }
      entries.set(path, { kind: "symlink", target });
    } else if (isDirectory) {
      await addDirectory(entries, root, path);
    } else if (![...DROPPED, ...CHECKSUMS].includes(path)) {
      const executable = ((await Deno.stat(full)).mode ?? 0) & 0o100;
      entries.set(path, { kind: "file", content: await Deno.readFile(full), executable: executable !== 0 });
    }
  }
}

/** Whether a link is one that the `link` command makes. */
function isOwnLink(path: string, target: string): boolean {
  return /^(dispatch|hooks\/[^/]+|actions\/[^/]+)$/.test(path) && /(^|\/)charmlet$/.test(target);
}

function staysInside(directory: string, target: string): boolean {
  return !target.startsWith("/") && !/^\.\.(\/|$)/.test(join(directory, target));
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function readExecutable(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BuildError(`no executable ${path}: run build/deno task compile first, or give --executable FILE`);
  }
}

function architectureOf(executable: Uint8Array): Architecture {
  const machine = executable.length < 20
    ? 0
    : new DataView(executable.buffer, executable.byteOffset).getUint16(18, true);
  if (machine === 0x3e) return "amd64";
  if (machine === 0xb7) return "arm64";
  throw new BuildError("the executable is for neither amd64 nor arm64: give one that build/deno task compile made");
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, {
    string: ["output", "executable"],
    boolean: ["dispatch", "help"],
    alias: { output: "o" },
    unknown: (arg) => {
      if (!arg.startsWith("-")) return true;
      throw new BuildError(`unknown argument ${arg}: see build/deno task pack --help`);
    },
  });
  if (args.help) return console.log(USAGE);
  const [given, ...more] = args._.map(String);
  if (!given || more.length > 0) throw new BuildError(`give one charm directory: see build/deno task pack --help`);
  const charmDir = userPath(given);
  const executable = args.executable ? userPath(args.executable) : await programOf(charmDir);
  const { name, archive } = await packCharm({ charmDir, executable, dispatch: args.dispatch });
  const output = userPath(args.output || `${name}.charm`);
  await Deno.mkdir(dirname(output), { recursive: true });
  await Deno.writeFile(`${output}.part`, archive);
  await Deno.rename(`${output}.part`, output);
  console.log(`${output} (${(archive.length / 1024 / 1024).toFixed(1)} MiB) with ${executable}`);
  console.log(`${await recordChecksums([output])} has its checksum`);
}

if (import.meta.main) {
  await runScript(async () => {
    try {
      await main();
    } catch (error) {
      throw error instanceof CharmletError ? new BuildError(error.message) : error;
    }
  });
}
