/** Units of the example charm `mysql`: their servers become a cluster from nothing and keep it. */
import { assert, assertEquals } from "@std/assert";
import { mysqlForTests, type MysqlPrograms } from "../../../build/install_mysql.ts";
import { createGroup, startMember } from "../../../interfaces/clients/mysql/group.ts";
import { type Lab, withLab } from "../units.ts";
import { assertFilesAreClosed } from "../units_canaries.ts";
import { prepare } from "./cluster.ts";
import {
  connectionsOf,
  deployMysql,
  isWhole,
  killServer,
  makeTable,
  membersOf,
  PATIENCE_MS,
  primaryUnit,
  rowsOf,
  statesOf,
  writeRow,
} from "./formation.ts";
import { MysqlLab } from "./lab.ts";

const mysql = await mysqlForTests();

Deno.test({
  name: "mysql charm: three units become a cluster, the primary is killed and comes back, a unit is removed",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withLab({ server: "mysqld" }, async (lab) => {
      const began = performance.now();
      await deployMysql(lab, mysql, 3);
      const [hooksMs] = await Promise.all([
        watchJoining(lab),
        lab.settleUntil("a cluster of three", () => isWhole(lab, 3), PATIENCE_MS),
      ]);
      console.log(`  three units from nothing: ${Math.round(performance.now() - began)} ms`);
      const serversMs = await serversOwnTime(mysql);
      console.log(
        `  create and two joins: ${hooksMs} ms by hooks, ${serversMs} ms the servers alone: ` +
          `${(hooksMs / serversMs).toFixed(2)} times (at most 1.5)`,
      );
      const units = lab.unitsOf("mysql");
      const first = await primaryUnit(lab, units) ?? "";
      const others = units.filter((unit) => unit !== first);
      await makeTable(lab, first);
      await writeRow(lab, first, 1);
      for (const unit of units) await lab.waitFor(`row 1 on ${unit}`, async () => await rowsOf(lab, unit) === "1");
      assertEquals(await membersOf(lab, first), units);

      const before = await connectionsOf(lab, others[0] ?? "");
      const runs = lab.model.timeline.length;
      await lab.model.exec(first, "relation-set -r cluster:0 note=nothing");
      await lab.model.settle();
      const ran = lab.model.timeline.slice(runs).filter(({ kind }) => kind === "hook");
      assertEquals(ran.map(({ name }) => name), ["cluster-relation-changed", "cluster-relation-changed"]);
      console.log(
        `  a settled relation-changed: ${ran.map(({ start, end }) => Math.round(end - start)).join(", ")} ms`,
      );
      assertEquals(await connectionsOf(lab, others[0] ?? ""), before + 1, "a settled hook connected");

      const killed = performance.now();
      await killServer(lab, first);
      const heir = await lab.waitFor("another primary", () => primaryUnit(lab, others));
      console.log(`  another primary after the first was killed: ${Math.round(performance.now() - killed)} ms`);
      await writeRow(lab, heir, 2);
      await lab.settleUntil("the killed server back", async () => {
        return await rowsOf(lab, first) === "1,2" && isWhole(lab, 3);
      }, PATIENCE_MS);
      assertEquals((await statesOf(lab, heir)).map(({ state }) => state), ["ONLINE", "ONLINE", "ONLINE"]);
      console.log(`  the killed one is back: ${Math.round(performance.now() - killed)} ms`);

      lab.model.removeUnit(heir);
      await lab.settleUntil("a cluster of two", () => {
        return lab.unitsOf("mysql").length === 2 && isWhole(lab, 2);
      }, PATIENCE_MS);
      const rest = units.filter((unit) => unit !== heir);
      const last = await lab.waitFor("a primary", () => primaryUnit(lab, rest));
      await writeRow(lab, last, 3);
      for (const unit of rest) {
        await lab.waitFor(`all rows on ${unit}`, async () => await rowsOf(lab, unit) === "1,2,3");
      }
      assertEquals((await statesOf(lab, last)).length, 2);
      await lab.settleUntil("Router's list without it", async () => (await membersOf(lab, last)).length === 2);
      assertEquals(await membersOf(lab, last), rest);
      assert(lab.processes(heir).length === 0, "the removed unit's server still runs");
      await assertFilesAreClosed(lab);
    });
  },
});

/** Milliseconds from when the last of three units says that it is ready until all say that the cluster is well. */
async function watchJoining(lab: Lab): Promise<number> {
  const isReady = ({ "unit-configure-ready": ready }: Readonly<Record<string, string>>) => ready === "true";
  await lab.waitFor("three units that are ready", () => {
    const [relation] = Object.values(lab.model.world.relations);
    return Object.values(relation?.unitBags ?? {}).filter(isReady).length === 3;
  }, PATIENCE_MS);
  const began = performance.now();
  await lab.waitFor("a cluster of three", () => isWhole(lab, 3), PATIENCE_MS);
  return Math.round(performance.now() - began);
}

/** The same without hooks: milliseconds from when three servers are ready until the last has joined. */
async function serversOwnTime(programs: MysqlPrograms): Promise<number> {
  await using servers = await MysqlLab.open(programs);
  const [first, ...others] = await servers.add(3);
  assert(first);
  await prepare(servers.servers, crypto.randomUUID());
  const began = performance.now();
  await first.as((db) => createGroup(db));
  for (const server of others) assertEquals(await server.as((db) => startMember(db)), "online");
  return Math.round(performance.now() - began);
}
