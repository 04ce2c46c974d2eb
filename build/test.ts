/**
 * `build/deno task test`, its parts and `check`: runs the steps, shows their output and ends with one line of counts.
 *
 * @module
 */
import { join } from "node:path";
import { compileExecutable } from "./compile.ts";
import { BuildError, runScript } from "./errors.ts";
import { addCounts, countJunit, type Counts, NO_COUNTS, oneCheck, summaryLine } from "./junit.ts";
import { projectDir } from "./project.ts";
import { chooseRegistry, denoFlags } from "./registry.ts";

/** Directories below tests/ in the order in which they run. */
const KINDS = ["unit", "conformance", "model", "real"] as const;

type Kind = typeof KINDS[number];

/** Files of long tests on real servers that run at the same time. */
const LANES = 3;

/** Kinds that run the compiled executable. */
const NEED_EXECUTABLE: readonly Kind[] = ["model", "real"];

/**
 * Chooses the test files of one kind.
 *
 * @param paths of all files of the kind, relative to the project
 * @param long whether the long scenarios are meant, instead of all others
 * @param filters parts of paths; without any, every file counts
 */
export function selectTests(paths: readonly string[], long: boolean, filters: readonly string[]): string[] {
  return paths
    .filter((path) => path.endsWith("_test.ts") && path.endsWith("_long_test.ts") === long)
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort();
}

async function deno(args: readonly string[]): Promise<boolean> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd: projectDir, stdin: "null" });
  return (await command.spawn().status).success;
}

async function step(name: string, run: () => Promise<Counts>): Promise<Counts> {
  console.log(`\n== ${name}`);
  const start = Date.now();
  const counts = await run();
  console.log(`== ${name}: ${summaryLine(counts)} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  return counts;
}

async function check(): Promise<Counts> {
  const { registry } = await chooseRegistry();
  return oneCheck(await deno(["check", "--quiet", ...denoFlags(registry), "."]));
}

async function compile(): Promise<Counts> {
  try {
    await compileExecutable({ output: `${projectDir}/dist/charmlet` });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`error: ${error.message}`);
    return oneCheck(false);
  }
  return oneCheck(true);
}

function listFiles(directory: string): string[] {
  const files: string[] = [];
  try {
    for (const { name, isDirectory } of Deno.readDirSync(join(projectDir, directory))) {
      files.push(...isDirectory ? listFiles(`${directory}/${name}`) : [`${directory}/${name}`]);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files;
}

async function runTests(files: readonly string[], options: readonly string[], run = deno): Promise<Counts> {
  const { registry } = await chooseRegistry();
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const success = await run([
      "test",
      "-A",
      "--no-prompt",
      "--no-check",
      `--junit-path=${report}`,
      ...denoFlags(registry),
      ...options,
      ...files,
    ]);
    return countJunit(await Deno.readTextFile(report), success);
  } finally {
    await Deno.remove(report);
  }
}

/** Runs files side by side: what they do is mostly waiting for servers. What a file prints comes at its end. */
async function runInLanes(files: readonly string[], options: readonly string[]): Promise<Counts> {
  const queue = files.values();
  const lane = async (): Promise<Counts> => {
    let counts = NO_COUNTS;
    for (const file of queue) {
      const start = Date.now();
      const fileCounts = await runTests([file], options, denoQuietly);
      console.log(`== ${file}: ${summaryLine(fileCounts)} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
      counts = addCounts(counts, fileCounts);
    }
    return counts;
  };
  return (await Promise.all(Array.from({ length: LANES }, lane))).reduce(addCounts, NO_COUNTS);
}

async function denoQuietly(args: readonly string[]): Promise<boolean> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd: projectDir, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  for (const bytes of [stdout, stderr]) console.log(new TextDecoder().decode(bytes).trimEnd());
  return success;
}

async function runKinds(kinds: readonly Kind[], long: boolean, args: readonly string[]): Promise<Counts> {
  const options = args.filter((arg) => arg.startsWith("-"));
  const filters = args.filter((arg) => !arg.startsWith("-"));
  const selected = kinds
    .map((kind) => ({ kind, files: selectTests(listFiles(`tests/${kind}`), long, filters) }))
    .filter(({ files }) => files.length > 0);
  if (selected.length === 0 && filters.length > 0) {
    throw new BuildError(`no test file has ${filters.join(" or ")} in its path: see tests/`);
  }
  let counts = NO_COUNTS;
  if (selected.some(({ kind }) => NEED_EXECUTABLE.includes(kind))) {
    counts = addCounts(counts, await step("compile", compile));
  }
  for (const { kind, files } of selected) {
    const run = long && kind === "real" ? runInLanes : runTests;
    counts = addCounts(counts, await step(kind, () => run(files, options)));
  }
  return counts;
}

async function runAll(args: readonly string[]): Promise<Counts> {
  let counts = await step("fmt", async () => oneCheck(await deno(["fmt", "--check", "--quiet"])));
  counts = addCounts(counts, await step("lint", async () => oneCheck(await deno(["lint", "--quiet"]))));
  counts = addCounts(counts, await step("check", check));
  return addCounts(counts, await runKinds(KINDS, false, args));
}

async function main(): Promise<void> {
  const [part, ...args] = Deno.args;
  const kind = KINDS.find((name) => name === part);
  let counts: Counts;
  if (kind) counts = await runKinds([kind], false, args);
  else if (part === "full") counts = await runKinds(KINDS, true, args);
  else if (part === "check") counts = await step("check", check);
  else counts = await runAll(args);
  console.log(`\n${summaryLine(counts)}`);
  if (counts.failed > 0) Deno.exit(1);
}

if (import.meta.main) await runScript(main);
