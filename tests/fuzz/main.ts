/**
 * `build/deno task fuzz [-- --cases N] [--seed S] [--surface NAME] [--path P]`: attacks the surfaces with any number of
 * cases, and prints what came of it.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { attackSurface, type Report } from "./surface.ts";
import { SURFACES } from "./surfaces.ts";

const USAGE = `usage: build/deno task fuzz [-- [--cases N] [--seed S] [--surface NAME] [--path P]]
  --cases    cases of each surface, 10000 if left out
  --seed     the same cases again; any if left out
  --surface  only surfaces with this in their name
  --path     only the case at this path, as a failure prints it`;

const CASES = 10_000;

function row(name: string, ...columns: readonly (string | number)[]): string {
  return name.padEnd(42) + columns.map((each) => `${each}`.padStart(11)).join("");
}

/** A surface's line in the table, or that of all of them. */
function summary(name: string, reports: readonly Report[]): string {
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0);
  return row(
    name,
    sum(({ cases }) => cases),
    sum(({ taken }) => taken),
    sum(({ refused }) => refused),
    Math.max(...reports.map(({ slowestMs }) => slowestMs)).toFixed(1),
    (sum(({ totalMs }) => totalMs) / 1000).toFixed(1),
    sum(({ failure }) => failure === undefined ? 0 : 1),
  );
}

async function main(): Promise<number> {
  const unknown: string[] = [];
  const given = parseArgs(Deno.args, {
    string: ["cases", "seed", "surface", "path"],
    boolean: ["help"],
    unknown: (arg) => void unknown.push(arg),
  });
  if (given.help) {
    console.log(USAGE);
    return 0;
  }
  if (unknown.length > 0) {
    console.error(`error: unknown argument ${unknown[0]}: see build/deno task fuzz -- --help`);
    return 2;
  }
  const cases = Number(given.cases ?? CASES);
  const seed = Number(given.seed ?? Math.floor(Math.random() * 2 ** 31));
  const chosen = SURFACES.filter(({ name }) => name.includes(given.surface ?? ""));
  if (chosen.length === 0 || !Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed)) {
    console.error(`error: give --cases and --seed as whole numbers, and one of these surfaces as --surface:`);
    for (const { name } of SURFACES) console.error(`  ${name}`);
    return 2;
  }
  console.log(`seed ${seed}`);
  console.log(row("surface", "cases", "taken", "refused", "slowest ms", "cpu s", "findings"));
  const reports: Report[] = [];
  for (const each of chosen) {
    const attack = { cases, seed, ...(given.path === undefined ? {} : { path: given.path }) };
    const report = await attackSurface(each, attack);
    console.log(summary(report.name, [report]));
    reports.push(report);
  }
  console.log(summary(`${reports.length} surfaces`, reports));
  const broken = reports.filter(({ failure }) => failure !== undefined);
  for (const { name, failure } of broken) console.error(`\n${name}: ${failure}`);
  return broken.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
