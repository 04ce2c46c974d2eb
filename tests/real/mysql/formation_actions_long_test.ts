/** The actions of the example charm `mysql`, on three units with a real server each. */
import { assertEquals, assertMatch, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { AuthenticationError } from "../../../interfaces/clients/errors.ts";
import { connectMysql } from "../../../interfaces/clients/mysql/connection.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { type Lab, withLab } from "../units.ts";
import { completed, refused } from "../tasks.ts";
import { assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import {
  deployMysql,
  isWhole,
  killServer,
  makeTable,
  openUnit,
  PATIENCE_MS,
  primaryUnit,
  rowsOf,
  statesOf,
  writeRow,
} from "./formation.ts";
import { HOST } from "./lab.ts";

const UNITS = ["mysql/0", "mysql/1", "mysql/2"];
const mysql = await mysqlForTests();

Deno.test({
  name: "mysql charm: its actions, new options, a new unit, a lost disk",
  ignore: mysql === undefined,
  async fn(t) {
    if (!mysql) return;
    await withLab({ server: "mysqld" }, async (lab) => {
      await deployMysql(lab, mysql, UNITS.length);
      await lab.settleUntil("a cluster of three", () => isWhole(lab, 3), PATIENCE_MS);
      await makeTable(lab, "mysql/0");
      await writeRow(lab, "mysql/0", 1);
      await runActions(t, lab);
    });
  },
});

/** The password that a unit tells its peers, and the port of its server. */
function told(lab: Lab, unit: string): { password: string; port: number } {
  const [relation] = Object.values(lab.model.world.relations);
  const bag = relation?.unitBags[unit] ?? {};
  return { password: JSON.parse(bag["cluster-password"] ?? '""'), port: Number(bag["cluster-port"]) };
}

async function optionOf(lab: Lab, unit: string): Promise<number> {
  await using db = await openUnit(lab, unit);
  const [row] = await db.query("read an option", sql`SELECT @@max_connections AS value`);
  return Number(row?.value);
}

async function logIn({ password, port }: { password: string; port: number }): Promise<void> {
  const at = { host: HOST, port, tls: "unverified" as const };
  await using _ = await connectMysql({ at, user: "clusteruser", password });
}

async function runActions(t: Deno.TestContext, lab: Lab): Promise<void> {
  const leader = "mysql/0";
  const run = (unit: string, action: string, params = {}) => lab.model.run(unit, action, params);

  await t.step("cluster-status", async () => {
    const results = await completed(run("mysql/2", "cluster-status"));
    assertEquals([results.status, results.members, results.tolerance], ["OK", "3", "1"]);
    const { servers, clusterName } = JSON.parse(results.output ?? "");
    assertEquals(clusterName, "jujuCluster");
    assertEquals(servers.map(({ unit }: { unit: string }) => unit), UNITS);
  });

  await t.step("what makes no sense is refused", async () => {
    await refused(run(leader, "create-cluster"), /there is a cluster already/);
    await refused(run("mysql/1", "set-cluster-primary", { address: "mysql/1" }), /only the leader does this/);
    await refused(run(leader, "set-cluster-primary", { address: "mysql/7" }), /no unit of this application/);
    await refused(run(leader, "remove-instance", { address: HOST }), /no unit of this application/);
    await refused(run(leader, "reboot-cluster-from-complete-outage"), /is no complete outage/);
  });

  await t.step("set-cluster-primary", async () => {
    await completed(run(leader, "set-cluster-primary", { address: "mysql/1" }));
    await lab.waitFor("mysql/1 takes writes", async () => await primaryUnit(lab, UNITS) === "mysql/1");
    await writeRow(lab, "mysql/1", 2);
  });

  await t.step("remove-instance and add-instance", async () => {
    const results = await completed(run(leader, "remove-instance", { address: "mysql/2" }));
    assertEquals(results.members, "2");
    await lab.settleUntil("mysql/2 to say so", () => {
      assertMatch(lab.statusOf("mysql/2"), /^blocked: mysql\/2 was taken out of the cluster/);
      return true;
    });
    await writeRow(lab, "mysql/1", 3);
    const added = await completed(run(leader, "add-instance", { address: "mysql/2" }));
    assertEquals([added.status, added["online-members"]], ["OK", "3"]);
    await lab.settleUntil("all three again", async () => {
      return await rowsOf(lab, "mysql/2") === "1,2,3" && isWhole(lab, 3);
    });
  });

  await t.step("set-password", async () => {
    const old = told(lab, "mysql/1");
    await logIn(old);
    const { output } = await completed(run(leader, "set-password"));
    assertEquals(JSON.parse(output ?? "").state, "requested");
    await lab.settleUntil("the new password on all servers", async () => {
      for (const unit of UNITS) {
        assertNotEquals(told(lab, unit).password, old.password);
        await logIn(told(lab, unit));
      }
      return true;
    });
    await assertRejects(() => logIn(old), AuthenticationError);
  });

  await t.step("reboot-cluster-from-complete-outage", async () => {
    for (const unit of UNITS) await killServer(lab, unit);
    lab.model.updateStatus();
    await lab.settleUntil("all units to say so", () => {
      for (const unit of UNITS) assertStringIncludes(lab.statusOf(unit), "run reboot-cluster-from-complete-outage");
      return true;
    }, PATIENCE_MS);
    const results = await completed(run(leader, "reboot-cluster-from-complete-outage"));
    assertEquals([results.status, results["online-members"]], ["OK", "3"]);
    await lab.settleUntil("all three again", () => isWhole(lab, 3), PATIENCE_MS);
    for (const unit of UNITS) assertEquals(await rowsOf(lab, unit), "1,2,3");
    assertEquals((await statesOf(lab, leader)).map(({ state }) => state), ["ONLINE", "ONLINE", "ONLINE"]);
  });

  await t.step("options that need a restart: one server after the other", async () => {
    lab.model.setConfig("mysql", { "max-connections": 321 });
    await lab.settleUntil("the new option on all servers", async () => {
      for (const unit of UNITS) assertEquals(await optionOf(lab, unit), 321);
      return isWhole(lab, 3);
    }, PATIENCE_MS);
    for (const unit of UNITS) assertEquals(await rowsOf(lab, unit), "1,2,3");
  });

  await t.step("a unit that comes later is added, one that lost its disk gets its data again", async () => {
    await lab.model.addUnit("mysql", 1);
    await lab.settleUntil("a cluster of four", () => isWhole(lab, 4), PATIENCE_MS);
    assertEquals(await rowsOf(lab, "mysql/3"), "1,2,3");
    await lab.wipeData("mysql/3");
    await lab.settleUntil("the data again", async () => {
      return await rowsOf(lab, "mysql/3") === "1,2,3" && isWhole(lab, 4);
    }, PATIENCE_MS);
  });

  await t.step("no secret shows", async () => {
    await assertNoSecretShows(lab, await findSecrets(lab));
  });
}
