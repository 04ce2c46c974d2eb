/**
 * `build/deno task torture [-- --seed N] [--minutes M] [--world NAME]`: tortures the worlds with one seed after the other,
 * and prints what came of it.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { BuildError, runScript } from "../../build/errors.ts";
import { compileAll, explain, type Figures, type Finding, NOTHING, sum, tortureAll } from "./torture.ts";
import { type World, WORLDS } from "./worlds.ts";

const MINUTES = 5;
const USAGE = `usage: build/deno task torture [-- --seed N] [--minutes M] [--world NAME]
  --seed     whole number: this schedule alone, or with --minutes this one and those after it; any if left out
  --minutes  for how long, ${MINUTES} if both are left out
  --world    ${WORLDS.map(({ name }) => name).join(", ")}; all if left out`;

function row(name: string, figures: Figures): string {
  const { schedules, hooks, commands, kills, flips, failures, differing, points } = figures;
  const columns = [schedules, hooks, commands, kills, points.size, flips, failures, differing];
  return `${name.padEnd(22)}${columns.map((each) => `${each}`.padStart(10)).join("")}`;
}

/** Every world with each seed in turn: with one seed only, or until the time is over. */
function* work(first: number, worlds: readonly World[], deadline: number | undefined): Generator<[number, World]> {
  for (let seed = first;; seed++) {
    for (const world of worlds) {
      if (deadline !== undefined && Date.now() > deadline) return;
      yield [seed, world];
    }
    if (deadline === undefined) return;
  }
}

async function main(): Promise<void> {
  const given = parseArgs(Deno.args, {
    string: ["seed", "minutes", "world"],
    boolean: ["help"],
    unknown: (arg) => {
      throw new BuildError(`unknown argument ${arg}: see build/deno task torture -- --help`);
    },
  });
  if (given.help) return console.log(USAGE);
  const seed = Number(given.seed ?? Math.floor(Math.random() * 2 ** 31));
  const minutes = given.minutes === undefined && given.seed !== undefined
    ? undefined
    : Number(given.minutes ?? MINUTES);
  const worlds = WORLDS.filter(({ name }) => name === (given.world ?? name));
  if (worlds.length === 0 || !Number.isInteger(seed) || (minutes !== undefined && !(minutes > 0))) {
    throw new BuildError(`--seed, --minutes or --world is not one that there is:\n${USAGE}`);
  }
  const options = await compileAll();
  console.log(`seed ${seed}${minutes === undefined ? "" : `, ${minutes} minutes`}`);
  const totals = new Map<string, Figures>();
  let isBroken = false;
  const deadline = minutes === undefined ? undefined : Date.now() + minutes * 60_000;
  const report = (number: number, world: World, figures: Figures, findings: readonly Finding[]) => {
    totals.set(world.name, sum(totals.get(world.name) ?? NOTHING, figures));
    for (const finding of findings) console.error(`\n${explain(number, world, finding)}`);
    isBroken ||= findings.length > 0;
  };
  await tortureAll(work(seed, worlds, deadline), options, report, console.error);
  console.log(`\n${"".padEnd(22)} schedules     hooks  commands     kills    places     flips  failures differing`);
  for (const [name, figures] of totals) console.log(row(name, figures));
  console.log(row("all", [...totals.values()].reduce(sum, NOTHING)));
  if (isBroken) Deno.exit(1);
}

if (import.meta.main) await runScript(main);
