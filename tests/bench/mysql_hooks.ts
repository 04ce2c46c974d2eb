/**
 * What a hook of the MySQL charm costs that asks its server, beside one that has nothing to ask.
 *
 * @module
 */
import type { MysqlPrograms } from "../../build/install_mysql.ts";
import { connectionsOf, deployMysql, isWhole, PATIENCE_MS } from "../real/mysql/formation.ts";
import { type Lab, openLab } from "../real/units.ts";
import { quantile } from "./stats.ts";

const UNITS = 3;

/**
 * Makes a cluster of three units and measures their hooks, which run side by side.
 *
 * @param rounds hooks of each kind on each unit
 * @returns lines of a table: what, median milliseconds, and those above a hook without SQL
 */
export async function measureMysqlHooks(programs: MysqlPrograms, rounds: number): Promise<string[][]> {
  await using lab = await openLab({ server: "mysqld" });
  await deployMysql(lab, programs, UNITS);
  await lab.settleUntil("a cluster of three", () => isWhole(lab, UNITS), PATIENCE_MS);
  await lab.model.settle();
  const units = lab.unitsOf("mysql");
  const leader = lab.model.world.applications["mysql"]?.leader;
  const [sender = ""] = units;
  const without: number[] = [];
  const ofLeader: number[] = [];
  const ofOthers: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = await connectionsOf(lab, sender);
    await lab.model.exec(sender, `relation-set -r cluster:0 note=${round}`);
    for (const { ms } of await settleHooks(lab)) without.push(ms);
    if (await connectionsOf(lab, sender) !== before + 1) throw new Error("a hook with nothing to ask has connected");
    lab.model.updateStatus();
    for (const { unit, ms } of await settleHooks(lab)) (unit === leader ? ofLeader : ofOthers).push(ms);
  }
  const empty = quantile(without, 0.5);
  const line = (what: string, times: readonly number[]) => {
    const median = quantile(times, 0.5);
    return [`MySQL charm: ${what}`, median.toFixed(0), (median - empty).toFixed(0)];
  };
  return [
    ["median milliseconds of a hook, three at a time", "", "above one without SQL"],
    line("relation-changed with nothing to do", without),
    line("update-status of the leader", ofLeader),
    line("update-status of the others", ofOthers),
  ];
}

/** Runs the hooks that are due. @returns what each took */
async function settleHooks({ model }: Lab): Promise<{ readonly unit: string; readonly ms: number }[]> {
  const from = model.timeline.length;
  await model.settle();
  const ran = model.timeline.slice(from).filter(({ kind }) => kind === "hook");
  return ran.map(({ unit, start, end }) => ({ unit, ms: end - start }));
}
