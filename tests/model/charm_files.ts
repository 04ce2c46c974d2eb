/**
 * Files that the agent keeps for its charm: the copy in the charm directory, the hook commands, what a hook runs.
 * Source: juju/juju internal/worker/uniter/charm and internal/charm/hooks; contract 1.1.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { HOOK_COMMANDS } from "./commands/registry.ts";

/**
 * Puts a charm's files into a unit's charm directory: symlinks stay symlinks, modes are kept. What the charm made
 * there by itself stays, and what only the old charm brought goes.
 * Source: juju/juju internal/worker/uniter/charm/manifest_deployer.go.
 *
 * @param source directory with the charm's files
 * @param target the unit's charm directory
 * @param old paths of the files of the charm that was there
 * @returns paths of the new charm's files, relative to the directory
 */
export async function deployCharm(source: string, target: string, old: readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  await copyDirectory(source, target, "", paths);
  const kept = new Set(paths);
  for (const path of old) {
    if (!kept.has(path)) await Deno.remove(join(target, path), { recursive: true }).catch(ignoreMissing);
  }
  return paths;
}

/**
 * Copies a charm into a directory of its own.
 *
 * @param source directory with the charm's files
 * @param target directory to make
 */
export async function copyCharm(source: string, target: string): Promise<void> {
  await deployCharm(source, target, []);
}

async function copyDirectory(source: string, target: string, path: string, paths: string[]): Promise<void> {
  await Deno.mkdir(join(target, path), { recursive: true });
  for await (const entry of Deno.readDir(join(source, path))) {
    const inner = join(path, entry.name);
    const [from, to] = [join(source, inner), join(target, inner)];
    paths.push(inner);
    if (entry.isDirectory) {
      await copyDirectory(source, target, inner, paths);
      continue;
    }
    // A file that runs cannot be written to, but it can be replaced.
    await Deno.remove(to, { recursive: true }).catch(ignoreMissing);
    if (entry.isSymlink) await Deno.symlink(await Deno.readLink(from), to);
    else await Deno.copyFile(from, to);
  }
}

/** The file that a hook or action runs, or why there is none. */
export type Executable =
  | { readonly path: string }
  | { readonly missing: true }
  | { readonly error: string };

/**
 * Finds what to run: an executable `dispatch`, else the file of that name. A file that is there but not
 * executable is an error, not missing, and so is a charm without metadata.yaml.
 *
 * @param charmDir the unit's charm directory
 * @param folder `hooks` or `actions`
 * @param name full name of the hook or action
 */
export async function findExecutable(charmDir: string, folder: "hooks" | "actions", name: string): Promise<Executable> {
  if (await modeOf(join(charmDir, "metadata.yaml")) === null) return { error: "charm missing from disk" };
  for (const path of [join(charmDir, "dispatch"), join(charmDir, folder, name)]) {
    const mode = await modeOf(path);
    if (mode === null) continue;
    return (mode & 0o111) === 0 || mode === 0 ? { error: `exec: "${path}": permission denied` } : { path };
  }
  return { missing: true };
}

/** Permission bits of the file that a path leads to, 0 for a directory, null when there is none. */
async function modeOf(path: string): Promise<number | null> {
  try {
    const info = await Deno.stat(path);
    return info.isDirectory ? 0 : info.mode ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

/**
 * Makes the directory of the hook commands: one symlink per command to the program behind them all.
 *
 * @param toolsDir the directory to make
 * @param toolPath that program; when absent the compiled one of this project, or its source under `deno run`
 */
export async function makeTools(toolsDir: string, toolPath?: string): Promise<void> {
  await Deno.mkdir(toolsDir, { recursive: true });
  const program = toolPath ?? await compiledTool() ?? await writeWrapper(toolsDir);
  for (const name of HOOK_COMMANDS) await Deno.symlink(program, join(toolsDir, name));
}

async function compiledTool(): Promise<string | undefined> {
  const url = new URL("../../dist/jujuc", import.meta.url);
  if (url.protocol !== "file:") return undefined;
  const path = fileURLToPath(url);
  return await modeOf(path) ? path : undefined;
}

/** Hooks have no HOME, so Deno's cache is named in the wrapper. */
async function writeWrapper(toolsDir: string): Promise<string> {
  const path = join(dirname(toolsDir), "jujuc.sh");
  const tool = fileURLToPath(new URL("./hook_tool.ts", import.meta.url));
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const cache = Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME") ?? "/root", ".cache", "deno");
  const lines = [
    "#!/bin/sh",
    `DENO_DIR=${quoted(cache)} exec ${quoted(Deno.execPath())} run -A -q --no-check --no-lock ${quoted(tool)} ` +
    '"${0##*/}" "$@"',
  ];
  await Deno.writeTextFile(path, `${lines.join("\n")}\n`, { mode: 0o755 });
  return path;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
}
