/** What may be in the way when two sites are related, and what happens to them afterwards. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { type Sql, sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { connectMysql } from "../../../interfaces/clients/mysql/connection.ts";
import { HOST } from "../mysql/lab.ts";
import { openUnit } from "../mysql/formation.ts";
import { EAST, makeWriterTable, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();
const STANDALONE = "blocked: Standalone read-only unit.";

Deno.test({
  name: "async replication: user data, another version, growth, new passwords, a secret that is taken back, a return",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, {}, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      await withUserData(sites);
      await withOtherVersion(sites);
      sites.relate();
      await sites.untilReplicating();
      sites.sampler.begin();
      await growing(sites);
      await newPasswords(sites);
      await secretTakenBack(sites);
      await partedAndBack(sites);
      await recreated(sites);
    });
  },
});

/** A cluster with data is refused; both sides can be unrelated and related again. */
async function withUserData(sites: Sites): Promise<void> {
  const { lab } = sites;
  await execute(sites, await sites.writable(WEST) ?? "", sql`CREATE DATABASE precious`);
  sites.relate();
  await lab.settleUntil("user data found", () => {
    assertMatch(lab.statusOf(sites.leader(WEST)), /^blocked: User data found/);
    return true;
  });
  assertEquals(sites.bag(WEST)["user-data-found"], "true");
  assert(await sites.writable(WEST) && await sites.writable(EAST));
  sites.unrelate();
  await lab.settleUntil("both on their own", () => sites.allReady(EAST, WEST), PATIENCE_MS);
  await execute(sites, await sites.writable(WEST) ?? "", sql`DROP DATABASE precious`);
}

/** Another version is refused before anything is changed. */
async function withOtherVersion(sites: Sites): Promise<void> {
  const { lab } = sites;
  sites.relate();
  const id = sites.relationId;
  // Whatever the primary side has sent, the other side reads this.
  lab.intercept = (_unit, command) => {
    const bag = lab.model.world.relations[id]?.appBags[EAST];
    if (bag?.["mysql-version"] !== undefined) bag["mysql-version"] = "1.2.3";
    return command;
  };
  await lab.settleUntil("a mismatch", () => {
    assertMatch(lab.statusOf(sites.leader(WEST)), /version mismatch/);
    return true;
  });
  lab.intercept = undefined;
  assert(await sites.writable(WEST));
  sites.unrelate();
  await lab.settleUntil("both on their own", () => sites.allReady(EAST, WEST), PATIENCE_MS);
}

/** A unit that comes later is a member of the replica, with the channel. */
async function growing(sites: Sites): Promise<void> {
  await underWrites("the replica grows", sites, async () => {
    await sites.lab.model.addUnit(WEST, 1);
    await sites.untilReplicating();
  });
}

/** New passwords of the primary cluster reach the replica's charm, and its channel. */
async function newPasswords(sites: Sites): Promise<void> {
  const { lab } = sites;
  assertMatch(await sites.refused(sites.leader(WEST), "set-password"), /related primary cluster/);
  await underWrites("new passwords", sites, async () => {
    const before = passwordOf(sites, WEST);
    await sites.run(EAST, "set-password");
    await lab.settleUntil("the same passwords", async () => {
      assert(passwordOf(sites, WEST) !== before, "the replica has its old password");
      assertEquals(passwordOf(sites, WEST), passwordOf(sites, EAST));
      await letsIn(sites);
      return sites.allReady(EAST, WEST);
    }, PATIENCE_MS);
    const [primary] = await sites.replicating(WEST);
    await execute(sites, primary ?? "", sql`STOP REPLICA FOR CHANNEL 'clusterset_replication'`);
    await execute(sites, primary ?? "", sql`START REPLICA FOR CHANNEL 'clusterset_replication'`);
    await sites.untilReplicating();
  });
}

/** Without the secret the replica goes on, and takes the passwords when it can read them again. */
async function secretTakenBack(sites: Sites): Promise<void> {
  const { lab } = sites;
  const id = sites.bag(EAST)["secret-id"] ?? "";
  const east = sites.leader(EAST);
  await lab.model.exec(east, `secret-revoke ${id} --relation ${sites.relationId}`);
  const before = passwordOf(sites, WEST);
  await sites.run(EAST, "set-password");
  await lab.settleUntil("a primary with new passwords", () => {
    assert(passwordOf(sites, EAST) !== before);
    return sites.allReady(EAST);
  }, PATIENCE_MS);
  assertEquals(passwordOf(sites, WEST), before);
  await lab.model.exec(east, `secret-grant ${id} --relation ${sites.relationId}`);
  await lab.settleUntil("the same passwords again", () => {
    assertEquals(passwordOf(sites, WEST), passwordOf(sites, EAST));
    return true;
  }, PATIENCE_MS);
  await sites.untilReplicating();
}

/** A cluster that was removed from its set may return to it with its data. */
async function partedAndBack(sites: Sites): Promise<void> {
  const { lab } = sites;
  await underWrites("parted, and back", sites, async () => {
    sites.unrelate();
    await lab.settleUntil("a cluster on its own", () => {
      for (const unit of sites.units(WEST)) assertEquals(lab.statusOf(unit), STANDALONE);
      return sites.allReady(EAST);
    }, PATIENCE_MS);
    // For a moment it is a cluster of its own, with passwords of its own to change.
    sites.sampler.begin();
    sites.relate();
    await sites.untilReplicating();
    sites.sampler.begin();
  });
}

/** What was removed from its set can become a cluster of its own. */
async function recreated(sites: Sites): Promise<void> {
  const { lab } = sites;
  sites.unrelate();
  await lab.settleUntil("a cluster on its own", () => {
    for (const unit of sites.units(WEST)) assertEquals(lab.statusOf(unit), STANDALONE);
    return true;
  }, PATIENCE_MS);
  assertMatch(await sites.refused(sites.leader(WEST), "reboot-cluster-from-complete-outage"), /recreate-cluster/);
  assertMatch(await sites.run(WEST, "recreate-cluster"), /recreated/);
  await lab.settleUntil("two clusters", () => sites.allReady(EAST, WEST), PATIENCE_MS);
  assert(await sites.writable(WEST) && await sites.writable(EAST));
  assert(sites.setName(WEST) !== sites.setName(EAST));
}

async function execute(sites: Sites, unit: string, statement: Sql): Promise<void> {
  await using db = await openUnit(sites.lab, unit);
  await db.run("change what the scenario needs", statement);
}

/** The password that the first unit of an application tells its peers. */
function passwordOf(sites: Sites, app: string): string {
  return String(JSON.parse(sites.unitBag(sites.leader(app))["cluster-password"] ?? '""'));
}

/** All servers let the cluster's user in with the password that is told. */
async function letsIn(sites: Sites): Promise<void> {
  for (const unit of sites.allUnits()) {
    const port = Number(sites.unitBag(unit)["cluster-port"]);
    const password = passwordOf(sites, EAST);
    await using _ = await connectMysql({ at: { host: HOST, port, tls: "unverified" }, user: "clusteruser", password });
  }
}
