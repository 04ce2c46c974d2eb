/**
 * `build/deno task compile`: one executable from one program.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { basename, dirname } from "node:path";
import { bundle, errorText } from "./bundle.ts";
import { recordChecksums } from "./checksums.ts";
import { addCodeCache, type Compile, insertPack, type Pack } from "./code_cache.ts";
import { findRecovered, recoverDenort, type Target } from "./denort.ts";
import { BuildError, runScript } from "./errors.ts";
import { projectDir, userPath, version } from "./project.ts";
import { chooseRegistry } from "./registry.ts";
import { LEFT_OUT, writeSbom } from "./sbom.ts";

const USAGE = `usage: build/deno task compile [--target TARGET] [--entry FILE] [--output FILE]
  --target  x86_64-unknown-linux-gnu or aarch64-unknown-linux-gnu; this machine's if left out
  --entry   program to compile; mod.ts if left out
  --output  dist/charmlet, or dist/charmlet-ARCHITECTURE for another machine, if left out`;

/** Program of the standard executable. */
const STANDARD = `${projectDir}/mod.ts`;

/** Machine number in the ELF header of each target's executables. */
const ELF_MACHINES: Readonly<Record<Target, number>> = {
  "x86_64-unknown-linux-gnu": 0x3e,
  "aarch64-unknown-linux-gnu": 0xb7,
};

const V8_FLAGS = [
  // A hook is over before the baseline compiler's work could pay; the optimising ones stay for what runs long.
  "--no-sparkplug",
  // MiB: collecting a hook's garbage early costs less than a machine with many units pays in memory.
  "--max-semi-space-size=1",
];

/**
 * What the standard executable never uses of the packages of mysql2, 0.6 MB: certificates of a cloud, which it would only
 * take by that cloud's name, and tables of character sets other than the one that is set.
 */
const UNUSED: readonly string[] = [...LEFT_OUT, "./tables/*.json"];

/** How long `deno compile` may take with the download of its base binary, in milliseconds. */
const COMPILE_TIMEOUT_MS = 180_000;

/** How long `--version` may take, in milliseconds. */
const CHECK_TIMEOUT_MS = 60_000;

/** What {@linkcode compileExecutable} makes. */
export interface CompileOptions {
  /** Absolute path of the program; the project's mod.ts if left out. */
  readonly entry?: string;
  /** Absolute path of the executable. */
  readonly output: string;
  /** This machine's if left out. */
  readonly target?: Target;
  /** Whether V8's compiled code is part of the executable, where it can be made: for this machine's target only. */
  readonly codeCache?: boolean;
}

/** The target that runs on this machine. */
export function nativeTarget(): Target {
  return Deno.build.arch === "aarch64" ? "aarch64-unknown-linux-gnu" : "x86_64-unknown-linux-gnu";
}

/**
 * Bundles a program and compiles it to an executable. The file appears at its path only when it has been checked.
 *
 * @throws {BuildError} the program cannot be bundled, there is no base binary, or the result is not an executable of
 * this program
 */
export async function compileExecutable(options: CompileOptions): Promise<void> {
  const { output, target = nativeTarget(), codeCache = true } = options;
  const { entry = STANDARD } = options;
  await Deno.mkdir(dirname(output), { recursive: true });
  const directory = await Deno.makeTempDir({ dir: dirname(output), prefix: ".compile-" });
  try {
    const entryFile = await bundle(entry, `${directory}/bundle`, entry === STANDARD ? UNUSED : []);
    const executable = `${directory}/${basename(output)}`;
    const compile: Compile = (file, path, v8Flags = []) => {
      return denoCompile({ directory: `${directory}/bundle`, entryFile: file, executable: path, target, v8Flags });
    };
    const pack = codeCache && target === nativeTarget()
      ? await tryCodeCache(entry, () => addCodeCache(`${directory}/bundle`, entryFile, compile))
      : undefined;
    await compile(entryFile, executable);
    if (pack) await insertPack(executable, pack);
    await checkMachine(executable, target);
    if (target === nativeTarget()) {
      checkVersion(await versionLine(executable), entry === STANDARD ? `charmlet ${version}` : undefined);
    }
    await Deno.rename(executable, output);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A charm's own program may be of a form for which there is no code cache: then it starts somewhat slower. */
async function tryCodeCache(entry: string, add: () => Promise<Pack>): Promise<Pack | undefined> {
  try {
    return await add();
  } catch (error) {
    if (!(error instanceof BuildError) || entry === STANDARD) throw error;
    console.error(`${basename(entry)} starts without a code cache: ${error.message}`);
    return undefined;
  }
}

interface CompileJob {
  readonly directory: string;
  readonly entryFile: string;
  readonly executable: string;
  readonly target: Target;
  readonly v8Flags: readonly string[];
}

/**
 * `deno compile` with the base binary of DENORT_BIN, else Deno's own, else the recovered one; the latter at once where it
 * was needed before.
 */
async function denoCompile(job: CompileJob): Promise<void> {
  const { directory, entryFile, executable, target, v8Flags } = job;
  const run = (env: Record<string, string>) =>
    new Deno.Command(Deno.execPath(), {
      args: [
        "compile",
        "--quiet",
        "--allow-all",
        "--no-prompt",
        "--no-config",
        "--no-lock",
        "--no-check",
        // Deno's own code cache would be a file with a predictable name in /tmp: not for a program that root runs.
        "--no-code-cache",
        `--v8-flags=${[...V8_FLAGS, ...v8Flags].join(",")}`,
        `--target=${target}`,
        `--output=${executable}`,
        entryFile,
      ],
      cwd: directory,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "null",
      signal: AbortSignal.timeout(COMPILE_TIMEOUT_MS),
    }).output();
  const isForced = Boolean(Deno.env.get("DENORT_BIN"));
  const recovered = isForced ? undefined : await findRecovered(target);
  let result = await run(recovered ? { DENORT_BIN: recovered } : {});
  if (!result.success && !isForced && !recovered) {
    result = await run({ DENORT_BIN: await recoverDenort(target) });
  }
  if (result.success) return;
  if (result.signal) {
    throw new BuildError("deno compile took too long and was stopped: is its download slow? Try again");
  }
  throw new BuildError(`deno compile failed: ${errorText(result.stderr).replaceAll(/\s+/g, " ")}`);
}

async function checkMachine(executable: string, target: Target): Promise<void> {
  using file = await Deno.open(executable);
  const header = new Uint8Array(20);
  await file.read(header);
  const machine = new DataView(header.buffer).getUint16(18, true);
  if (machine === ELF_MACHINES[target]) return;
  throw new BuildError(`DENORT_BIN is not a base binary for ${target}: set it to one, or unset it`);
}

async function versionLine(executable: string): Promise<string> {
  const env = Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("JUJU_")));
  const { stdout, stderr } = await new Deno.Command(executable, {
    args: ["--version"],
    clearEnv: true,
    env,
    stdin: "null",
    signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
  }).output();
  const [line = ""] = new TextDecoder().decode(stdout).split("\n");
  return line || (new TextDecoder().decode(stderr).split("\n")[0] ?? "");
}

/**
 * Judges what a new executable says about its version.
 *
 * @param line first line that `--version` printed
 * @param expected the only right answer; left out for programs whose answer is unknown
 * @throws {BuildError} the answer is Deno's own, or not the expected one
 */
export function checkVersion(line: string, expected?: string): void {
  if (line.startsWith("deno ")) {
    throw new BuildError(`the executable behaves as ${line}: DENORT_BIN must be a denort, not a full deno; unset it`);
  }
  if (expected !== undefined && line !== expected) {
    throw new BuildError(`the executable says "${line}" to --version instead of "${expected}": see mod.ts`);
  }
}

function isTarget(text: string): text is Target {
  return Object.hasOwn(ELF_MACHINES, text);
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, {
    string: ["target", "entry", "output"],
    boolean: ["help"],
    unknown: (arg) => {
      throw new BuildError(`unknown argument ${arg}: see build/deno task compile --help`);
    },
  });
  if (args.help) return console.log(USAGE);
  const target = args.target ?? nativeTarget();
  if (!isTarget(target)) throw new BuildError(`unknown target "${target}": ${Object.keys(ELF_MACHINES).join(" or ")}`);
  const suffix = target === nativeTarget() ? "" : `-${target.split("-")[0]}`;
  const output = args.output ? userPath(args.output) : `${projectDir}/dist/charmlet${suffix}`;
  await compileExecutable({ output, target, ...(args.entry ? { entry: userPath(args.entry) } : {}) });
  console.log(`${output} (${((await Deno.stat(output)).size / 1024 / 1024).toFixed(1)} MiB, ${target})`);
  const files = [output, ...args.entry ? [] : await describeParts(output)];
  console.log(
    `${await recordChecksums(files)} has the checksums of ${files.map((file) => basename(file)).join(" and ")}`,
  );
}

/** What the executable is made of; the lock file knows it of builds with npm alone. */
async function describeParts(output: string): Promise<string[]> {
  const { registry } = await chooseRegistry();
  if (registry !== "npm") return [];
  const file = `${output}.cdx.json`;
  await writeSbom(file);
  return [file];
}

if (import.meta.main) await runScript(main);
