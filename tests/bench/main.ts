/**
 * `build/deno task bench`: what hooks cost, compared with the least that a compiled program costs.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { join } from "node:path";
import { BuildError, runScript } from "../../build/errors.ts";
import { projectDir } from "../../build/project.ts";
import { type Case, casesOf, isMet, normalized, type Row, rowOf, targetsOf } from "./cases.ts";
import { type HookCost, Laboratory } from "./laboratory.ts";
import { formatRows, formatTargets } from "./report.ts";
import { roundsOf } from "./stats.ts";

const USAGE = `usage: build/deno task bench [--runs N] [--check]
  --runs   runs of each case, at least 15, which is also the default
  --check  exit with 1 when a target is missed`;

const MIN_RUNS = 15;
/** Runs of the hook that starts a hundred processes. */
const SLOW_RUNS = 5;
/** Runs before the clock counts: caches of files and of the agent's code get warm. */
const WARM_UP_RUNS = 3;
const MEMORY_RUNS = 3;

/** Runs all cases in turn, so that a machine that drifts does so for all of them. */
async function measure(cases: readonly Case[], runs: number): Promise<Row[]> {
  for (const { run, maxRuns } of cases) {
    for (let left = maxRuns === undefined ? WARM_UP_RUNS : 1; left > 0; left--) await run();
  }
  const costs = new Map<string, HookCost[]>(cases.map(({ id }) => [id, []]));
  for (let round = 0; round < runs; round++) {
    // There and back, so that no case always follows the same one.
    for (const { id, run, maxRuns = runs } of round % 2 === 0 ? cases : cases.toReversed()) {
      if (roundsOf(maxRuns, runs).has(round)) costs.get(id)?.push(await run());
    }
    note(`round ${round + 1} of ${runs}`);
  }
  const rows: Row[] = [];
  for (const { id, memory } of cases) {
    const peaks: number[] = [];
    for (let left = MEMORY_RUNS; memory && left > 0; left--) peaks.push(await memory());
    rows.push(rowOf(id, costs.get(id) ?? [], memory && Math.max(...peaks)));
  }
  note("");
  return rows;
}

/** Progress, where somebody is looking. */
function note(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

/**
 * Measures, prints and writes the report.
 *
 * @returns whether every target is met
 */
async function bench(runs: number): Promise<boolean> {
  note("compiling");
  await using laboratory = await Laboratory.open();
  const rows = await measure(await casesOf(laboratory, SLOW_RUNS), runs);
  const targets = targetsOf(rows, await laboratory.sizeOf("charmlet"));
  console.log(formatRows(rows).join("\n"));
  const toolMs = rows.find(({ id }) => id === "is-leader as a process")?.ms.median ?? NaN;
  for (const row of rows.filter(({ id }) => id.endsWith("by processes"))) {
    console.log(`${row.id}, at 20 ms a command: ${normalized(row, toolMs).toFixed(1)} ms`);
  }
  console.log(`\n${formatTargets(targets).join("\n")}`);
  const report = { rows, targets: targets.map((target) => ({ ...target, met: isMet(target) })) };
  await Deno.writeTextFile(join(projectDir, "dist", "bench.json"), `${JSON.stringify(report, null, 2)}\n`);
  return targets.every(isMet);
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, {
    string: ["runs"],
    boolean: ["check", "help"],
    unknown: (arg) => {
      throw new BuildError(`unknown argument ${arg}: see build/deno task bench --help`);
    },
  });
  if (args.help) return console.log(USAGE);
  const runs = Number(args.runs ?? MIN_RUNS);
  if (!Number.isInteger(runs) || runs < MIN_RUNS) {
    throw new BuildError(`--runs is ${args.runs}: give a whole number from ${MIN_RUNS}`);
  }
  const met = await bench(runs);
  if (args.check && !met) Deno.exit(1);
}

if (import.meta.main) await runScript(main);
