/**
 * `build/deno task bench`: what hooks cost, compared with what others cost and with the least that a program costs.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { join } from "node:path";
import { BuildError, runScript } from "../../build/errors.ts";
import { type Case, casesOf, deployAll } from "./cases.ts";
import { type HookCost, type HookTool, Laboratory } from "./laboratory.ts";
import { type Peers, preparePeers } from "./peers.ts";
import { drawPicture } from "./picture.ts";
import { profile } from "./profile.ts";
import { buildHookTool, compilePrograms, DIST, programPath, UnavailableError } from "./programs.ts";
import { formatRows, formatTargets } from "./report.ts";
import { type Row, rowOf, SLOW_MS } from "./rows.ts";
import { measureServers } from "./servers.ts";
import { isMet, targetsOf } from "./targets.ts";
import { benchWorld } from "./world.ts";

const USAGE = `usage: build/deno task bench [-- [--runs N] [--check | --profile | --servers]]
  --runs     runs of each case, 15 if left out; fewer are for trying
  --check    exit with 1 when a target is missed; needs 15 runs
  --profile  print where the time of our own hooks goes, instead
  --servers  print what operations on etcd, Patroni and MySQL cost, instead; installs and starts these`;

const MIN_RUNS = 15;
/** Runs before the clock counts: caches of files and of the agent's code get warm. */
const WARM_UP_RUNS = 3;
const MEMORY_RUNS = 3;
/** Runs of a hook command that tell what it takes by itself. */
const CALIBRATION_RUNS = 50;

/** Runs all cases in turn, so that a machine that drifts does so for all of them. */
async function measure(cases: readonly Case[], runs: number): Promise<Row[]> {
  for (let left = Math.min(WARM_UP_RUNS, runs); left > 0; left--) {
    for (const { run } of cases) await run();
  }
  const costs = new Map<Case, HookCost[]>(cases.map((one) => [one, []]));
  for (let round = 0; round < runs; round++) {
    note(`round ${round + 1} of ${runs}`);
    // There and back, so that no case always follows the same one.
    const inTurn = round % 2 === 0 ? cases : cases.toReversed();
    for (const one of passes(inTurn)) costs.get(one)?.push(await one.run());
  }
  note("memory");
  const rows: Row[] = [];
  for (const one of cases) {
    const peaks: number[] = [];
    for (let left = MEMORY_RUNS; one.memory && left > 0; left--) peaks.push(await one.memory());
    rows.push(rowOf(one, costs.get(one) ?? [], one.memory && Math.max(...peaks)));
  }
  note("");
  return Object.values(Object.groupBy(rows, ({ group }) => group)).flatMap((group) => group ?? []);
}

/** A round: all cases, then again and again those that run more often. */
function passes(cases: readonly Case[]): Case[] {
  const longest = Math.max(...cases.map(({ times }) => times));
  return Array.from({ length: longest }, (_, pass) => cases.filter(({ times }) => times > pass)).flat();
}

/** Progress, where somebody is looking. */
function note(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

async function chooseHookTool(): Promise<{ tool: HookTool; leftOut: string[] }> {
  try {
    return { tool: { kind: "Go", path: await buildHookTool() }, leftOut: [] };
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    const why =
      `hook commands of ${SLOW_MS} ms are left out, and a program of Deno stands for the others: ${error.message}`;
    return { tool: { kind: "Deno", path: programPath("jujuc") }, leftOut: [why] };
  }
}

/** Makes hook commands that take {@linkcode SLOW_MS} in all, by what the bare ones take at their quickest. */
async function addSlowTools(laboratory: Laboratory): Promise<void> {
  const world = benchWorld(2);
  const bare: number[] = [];
  for (let left = CALIBRATION_RUNS; left > 0; left--) bare.push(await laboratory.runTool(world, "bare"));
  await laboratory.addSlowTools(Math.max(0, SLOW_MS - Math.min(...bare)));
}

/**
 * Measures, prints, and writes the report and its picture.
 *
 * @returns whether every target is met
 */
async function bench(runs: number, { peers, leftOut }: Peers, tool: HookTool): Promise<boolean> {
  note("compiling");
  await compilePrograms(["hello", "bench", "charmlet", ...tool.kind === "Deno" ? ["jujuc" as const] : []]);
  await using laboratory = await Laboratory.open(tool);
  await deployAll(laboratory, peers);
  const withSlow = tool.kind === "Go";
  if (withSlow) await addSlowTools(laboratory);
  const rows = await measure(await casesOf(laboratory, peers, withSlow), runs);
  const targets = targetsOf(rows, (await Deno.stat(programPath("charmlet"))).size);
  console.log(formatRows(rows).join("\n"));
  console.log(`\n${formatTargets(targets).join("\n")}`);
  for (const line of leftOut) console.log(line);
  const versions = Object.fromEntries(peers.map(({ name, version }) => [name, version]));
  const judged = targets.map((target) => ({ ...target, met: isMet(target) }));
  const report = { runs, cores: navigator.hardwareConcurrency, hookTool: tool.kind, versions, leftOut, rows };
  await Deno.writeTextFile(
    join(DIST, "bench.json"),
    `${JSON.stringify({ ...report, targets: judged }, null, 2)}\n`,
  );
  await Deno.writeTextFile(join(DIST, "bench.svg"), drawPicture(rows, versions));
  return targets.every(isMet);
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, {
    string: ["runs"],
    boolean: ["check", "profile", "servers", "help"],
    unknown: (arg) => {
      throw new BuildError(`unknown argument ${arg}: see build/deno task bench -- --help`);
    },
  });
  if (args.help) return console.log(USAGE);
  const runs = Number(args.runs ?? MIN_RUNS);
  if (!Number.isInteger(runs) || runs < 1) throw new BuildError(`--runs is ${args.runs}: give a whole number from 1`);
  if (args.check && runs < MIN_RUNS) throw new BuildError(`--check needs at least ${MIN_RUNS} runs`);
  if (args.servers) return await measureServers(runs);
  const { tool, leftOut } = await chooseHookTool();
  if (args.profile) return await profile(runs, tool);
  const { peers, leftOut: missing } = await preparePeers();
  const met = await bench(runs, { peers, leftOut: [...leftOut, ...missing] }, tool);
  if (args.check && !met) Deno.exit(1);
}

if (import.meta.main) await runScript(main);
