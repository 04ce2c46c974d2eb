/**
 * Builds what is measured and what stands for Juju's hook commands.
 *
 * @module
 */
import { basename, join } from "node:path";
import { compileExecutable } from "../../build/compile.ts";
import { projectDir } from "../../build/project.ts";

/** Where everything that is built or installed for the bench lies. */
export const DIST = join(projectDir, "dist");

/** Programs of this project: the floor, the charm that is measured, the product, the hook command where Go is missing. */
const ENTRIES = {
  hello: "tests/bench/hello.ts",
  bench: "tests/bench/charm.ts",
  charmlet: "mod.ts",
  jujuc: "tests/model/hook_tool.ts",
  "profile-floor": "tests/bench/profile_floor.ts",
  profile: "tests/bench/profile_charm.ts",
  "mysql-actions": "tests/bench/mysql_actions_charm.ts",
} as const;

/** Name of a compiled program. */
export type ProgramName = keyof typeof ENTRIES;

/** How long one build or installation may take, in milliseconds. */
const BUILD_TIMEOUT_MS = 600_000;

/** Path of a compiled program. */
export function programPath(name: ProgramName): string {
  return join(DIST, name);
}

/**
 * Compiles programs afresh.
 *
 * @throws {BuildError} one cannot be compiled
 */
export async function compilePrograms(names: readonly ProgramName[]): Promise<void> {
  for (const name of names) {
    // The floor is what `deno compile` alone makes.
    const codeCache = name !== "hello" && name !== "profile-floor";
    await compileExecutable({ entry: join(projectDir, ENTRIES[name]), output: programPath(name), codeCache });
  }
}

/** A program of others could not be built, installed or started; the message is one line. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

/**
 * Runs a program that builds or installs something.
 *
 * @param cwd where
 * @param env more environment variables
 * @returns what it printed
 * @throws {UnavailableError} the program is missing, fails, or does not end
 */
export async function build(
  [program, ...args]: readonly [string, ...string[]],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const signal = AbortSignal.timeout(BUILD_TIMEOUT_MS);
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args, cwd, env, stdin: "null", signal }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UnavailableError(`there is no ${program}`);
  }
  if (output.success) return new TextDecoder().decode(output.stdout).trim();
  const last = new TextDecoder().decode(output.stderr).trim().split("\n").at(-1);
  const call = [basename(program), ...args.slice(0, 3)].join(" ");
  throw new UnavailableError(`${call} failed: ${last || `exit status ${output.code}`}`);
}

/**
 * Builds a Go program with the modules that its go.sum names, and the Go that is there.
 *
 * @param directory of its go.mod
 * @param output absolute path of the executable
 * @param ldflags for the linker
 * @throws {UnavailableError} there is no Go, or a module cannot be had
 */
export async function buildGo(directory: string, output: string, ldflags = "-s -w"): Promise<void> {
  const env = { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local", GOWORK: "off" };
  await build(
    ["go", "build", "-trimpath", "-buildvcs=false", `-ldflags=${ldflags}`, "-o", output, "."],
    directory,
    env,
  );
}

/**
 * Builds the hook command as Juju has it: a Go program.
 *
 * @param delayMs how much longer it shall take than by itself, in milliseconds; nothing if left out
 * @returns its path
 * @throws {UnavailableError} there is no Go
 */
export async function buildHookTool(delayMs?: number): Promise<string> {
  const output = join(DIST, "peers", delayMs === undefined ? "hook-tool" : "hook-tool-slow");
  const delay = `${Math.round((delayMs ?? 0) * 1000)}us`;
  await buildGo(join(projectDir, "tests/bench/tool"), output, `-s -w -X main.delay=${delay}`);
  return output;
}
