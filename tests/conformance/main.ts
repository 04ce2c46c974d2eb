/**
 * Runs conformance files: agent protocol vectors, hook commands, golden traces.
 *
 *     deno run -A tests/conformance/main.ts [--vectors FILE] [--hook-commands FILE] [--traces FILE_OR_DIR]
 *
 * Each option may be repeated; without any, everything in tests/conformance/data runs.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { userPath } from "../../build/project.ts";
import { runHookCommands } from "./hook_commands.ts";
import { runTraces } from "./traces.ts";
import { runVectors } from "./vectors.ts";

const USAGE = "usage: main.ts [--vectors FILE]... [--hook-commands FILE]... [--traces FILE_OR_DIR]...";
const DATA = new URL("data/", import.meta.url).pathname;
const OPTIONS = ["vectors", "hook-commands", "traces"] as const;

/** What became of the checks of one file or of all. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly deviating: number;
  readonly skipped: number;
}

interface FileResult {
  readonly passed: number;
  readonly deviating?: number;
  readonly skipped?: number;
  readonly failed: readonly { readonly id: string; readonly expected: string; readonly got: string }[];
  readonly note?: string | undefined;
}

interface Job {
  readonly path: string;
  readonly run: (path: string) => Promise<FileResult>;
}

/**
 * Runs what the arguments name.
 *
 * @param print prints one line
 * @returns the exit status: 0 all passed, 1 some failed, 2 the arguments or a file cannot be used
 */
export async function main(args: readonly string[], print: (line: string) => void): Promise<number> {
  const total = { passed: 0, failed: 0, deviating: 0, skipped: 0 };
  try {
    for (const { path, run } of await jobsOf(args)) {
      const result = await named(path, run);
      const counts = countsOf(result);
      for (const { id, expected, got } of result.failed) print(`FAILED ${id}\n  expected: ${expected}\n  got: ${got}`);
      if (result.note !== undefined) print(`${path}: skipped: ${result.note}`);
      print(`${path}: ${summary(counts)}`);
      for (const key of ["passed", "failed", "deviating", "skipped"] as const) total[key] += counts[key];
    }
    if (Object.values(total).every((count) => count === 0)) throw new TypeError("there are no cases to run");
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    print(USAGE);
    return 2;
  }
  const apart = countsApart(total);
  if (apart !== "") print(apart);
  print(`${total.passed} passed, ${total.failed} failed`);
  return total.failed > 0 ? 1 : 0;
}

/** Runs a file; an error says which. */
async function named(path: string, run: Job["run"]): Promise<FileResult> {
  try {
    return await run(path);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new TypeError(message.includes(path) ? message : `${path}: ${message}`);
  }
}

function countsOf({ passed, deviating = 0, skipped = 0, failed }: FileResult): Totals {
  return { passed, deviating, skipped, failed: failed.length };
}

/** Such as `1 passed, 0 failed, 2 deviating`. */
function summary(totals: Totals): string {
  const apart = countsApart(totals);
  return `${totals.passed} passed, ${totals.failed} failed${apart === "" ? "" : `, ${apart}`}`;
}

/** What is neither passed nor failed, such as `2 deviating, 3 skipped`; empty when there is none. */
function countsApart({ deviating, skipped }: Totals): string {
  const parts = [[deviating, "deviating"], [skipped, "skipped"]] as const;
  return parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`).join(", ");
}

async function jobsOf(args: readonly string[]): Promise<Job[]> {
  const options = parseArgs([...args], { string: [...OPTIONS], collect: [...OPTIONS], unknown: refuse });
  const vectors = options.vectors.map(checked);
  const hookCommands = options["hook-commands"].map(checked);
  const traces = options.traces.map(checked);
  if (vectors.length + hookCommands.length + traces.length === 0) {
    vectors.push(`${DATA}jujuc-gob-vectors.json`);
    hookCommands.push(`${DATA}hook-commands.json`);
    traces.push(`${DATA}traces`);
  }
  const traceFiles = (await Promise.all(traces.map(filesOf))).flat();
  return [
    ...vectors.map((path) => ({ path, run: runVectors })),
    ...hookCommands.map((path) => ({ path, run: (file: string) => runHookCommands(file) })),
    ...traceFiles.map((path) => ({ path, run: (file: string) => runTraces(file) })),
  ];
}

function refuse(arg: string): boolean {
  throw new TypeError(`${arg} is not expected`);
}

function checked(path: string): string {
  if (path === "") throw new TypeError("a file's name is missing");
  return userPath(path);
}

/** The file itself, or the JSON files of a directory by name. */
async function filesOf(path: string): Promise<string[]> {
  if (!(await Deno.stat(path)).isDirectory) return [path];
  const names = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  const files = names.filter((name) => name.endsWith(".json")).sort();
  if (files.length === 0) throw new TypeError(`${path} has no JSON files`);
  return files.map((name) => `${path.replace(/\/$/, "")}/${name}`);
}

if (import.meta.main) Deno.exit(await main(Deno.args, (line) => console.log(line)));
