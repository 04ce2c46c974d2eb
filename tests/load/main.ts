/**
 * `build/deno task load`: settles large models, and puts hooks through slow and dying agents.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { BuildError, runScript } from "../../build/errors.ts";
import { align } from "../bench/report.ts";
import { surviveDeadAgents } from "./dead_agent.ts";
import { SLOW_COMMAND_MS, surviveClosedConnections, surviveSlowAgents } from "./faults.ts";
import { growthFaults } from "./growth.ts";
import { type Figures, settleShape } from "./settled.ts";
import { hooksOf, LEAST_UNITS, shapeOf } from "./shape.ts";

const USAGE = `usage: build/deno task load [-- --units N]
  --units  units of the greatest model, ${LEAST_UNITS} at least, 200 if left out; a quarter and a half of it are compared`;

const UNITS = 200;
const MIB = 1024 * 1024;

const HEAD = ["units", "apps", "relations", "hooks", "× least", "commands", "a hook", "bytes a command"];
const COSTS = ["hook MiB", "greatest", "model KiB", "simulator MiB", "s", "ms a hook"];

/** Sizes that are compared, from the least. */
function sizesOf(units: number): number[] {
  return [units / 4, units / 2, units].map(Math.round).filter((size) => size >= LEAST_UNITS);
}

function row({ size, hooks, commands, bytes, hookMemory, modelBytes, modelMemory, ms }: Figures): string[] {
  const least = hooksOf(size).least + size.units;
  return [
    ...[size.units, size.applications, size.relations, hooks].map(String),
    (hooks / least).toFixed(2),
    String(commands),
    (commands / hooks).toFixed(2),
    (bytes / commands).toFixed(0),
    (hookMemory.median / MIB).toFixed(1),
    (hookMemory.greatest / MIB).toFixed(1),
    (modelBytes / 1024).toFixed(0),
    (modelMemory / MIB).toFixed(0),
    (ms / 1000).toFixed(1),
    (ms / hooks).toFixed(1),
  ];
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, {
    string: ["units"],
    boolean: ["help"],
    unknown: (arg) => {
      throw new BuildError(`unknown argument ${arg}: see build/deno task load -- --help`);
    },
  });
  if (args.help) return console.log(USAGE);
  const units = Number(args.units ?? UNITS);
  if (!Number.isInteger(units) || units < LEAST_UNITS) {
    throw new BuildError(`--units is ${args.units}: give a whole number from ${LEAST_UNITS}`);
  }
  const slow = await surviveSlowAgents();
  console.log(
    `agents that take ${SLOW_COMMAND_MS} ms a hook command: ${slow.hooks} hooks with ${slow.commands} commands, ` +
      `settled in ${(slow.ms / 1000).toFixed(1)} s`,
  );
  const closed = await surviveClosedConnections();
  console.log(`connections closed at ${closed} places of a hook: one clear line each, the retry ended the same`);
  const dead = await surviveDeadAgents();
  console.log(`agent processes killed at ${dead} places of a hook: the hook ended, the retry ended the same`);
  const figures: Figures[] = [];
  for (const size of sizesOf(units)) {
    const measured = await settleShape(shapeOf(size));
    console.log(`${size} units settled in ${(measured.ms / 1000).toFixed(1)} s`);
    figures.push(measured);
  }
  console.log();
  console.log(align([[...HEAD, ...COSTS], ...figures.map(row)], 0).join("\n"));
  const faults = growthFaults(figures);
  for (const fault of faults) console.error(`error: ${fault}`);
  if (faults.length > 0) Deno.exit(1);
}

if (import.meta.main) await runScript(main);
