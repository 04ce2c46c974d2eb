/**
 * `build/deno task fuzz [-- --cases N] [--seed S] [--surface NAME] [--path P]`: attacks the surfaces with any number of
 * cases, and prints what came of it.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { attackSurface, type Report } from "./surface.ts";
import { SURFACES } from "./surfaces.ts";

const CASES = 10_000;

function row({ name, cases, taken, refused, slowestMs, totalMs, failure }: Report): string {
  const columns = [cases, taken, refused, slowestMs.toFixed(1), (totalMs / 1000).toFixed(1)];
  return `${name.padEnd(40)}${columns.map((each) => `${each}`.padStart(10)).join("")}  ${failure ? "BROKEN" : "ok"}`;
}

async function main(): Promise<number> {
  const given = parseArgs(Deno.args, { string: ["cases", "seed", "surface", "path"] });
  const cases = Number(given.cases ?? CASES);
  const seed = Number(given.seed ?? Math.floor(Math.random() * 2 ** 31));
  const chosen = SURFACES.filter(({ name }) => name.includes(given.surface ?? ""));
  if (chosen.length === 0 || !Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed)) {
    console.error(`error: give --cases and --seed as whole numbers, and one of these surfaces as --surface:`);
    for (const { name } of SURFACES) console.error(`  ${name}`);
    return 2;
  }
  console.log(`seed ${seed}\n${"surface".padEnd(40)}     cases     taken   refused slowest ms     cpu s`);
  const failures: string[] = [];
  for (const each of chosen) {
    const attack = { cases, seed, ...(given.path === undefined ? {} : { path: given.path }) };
    const report = await attackSurface(each, attack);
    console.log(row(report));
    if (report.failure !== undefined) failures.push(`${report.name}: ${report.failure}`);
  }
  for (const failure of failures) console.error(`\n${failure}`);
  return failures.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
