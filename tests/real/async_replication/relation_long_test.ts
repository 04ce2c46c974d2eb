/** What may be in the way when two sites are related, and what happens to them afterwards. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { type Sql, sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { readClusterSet } from "../../../interfaces/clients/mysql/cluster_set/records.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { HOST } from "../mysql/lab.ts";
import { membersOf, openUnit } from "../mysql/formation.ts";
import { letIn, passwordOf, withholdSecret } from "./passwords.ts";
import { EAST, makeWriterTable, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();
const STANDALONE = "blocked: Standalone read-only unit.";

Deno.test({
  name: "async replication: user data, another version, growth, new passwords, a secret that is taken back, a return",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    // One hook at a time: what the primary side grants is taken back before the other side's next hook.
    await withSites(mysql, { concurrency: 1 }, async (sites) => {
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

Deno.test({
  name: "async replication: parted before the replica's leader knows that it is one, and related again",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, { eastUnits: 1, westUnits: 1 }, async (sites) => {
      const { lab } = sites;
      await makeWriterTable(lab, await sites.writable(EAST) ?? "");
      const isMade = () => sites.bag(EAST)["replica-state"] === "initialized";
      await sites.whileDeaf((unit) => sites.units(WEST).includes(unit) && isMade(), async () => {
        sites.relate();
        await lab.settleUntil("a replica that was not told", isMade, PATIENCE_MS);
        await lab.model.settle();
      });
      assert(sites.setName(WEST) !== sites.setName(EAST), "the replica's leader knows the set");
      sites.unrelate();
      await untilStandalone(sites);
      sites.relate();
      await sites.untilReplicating();
    });
  },
});

/** A cluster with data is refused, whenever they came; both sides can be unrelated and related again. */
async function withUserData(sites: Sites): Promise<void> {
  const { lab } = sites;
  const isRefused = () => {
    assertMatch(lab.statusOf(sites.leader(WEST)), /^blocked: User data found/);
    return true;
  };
  await execute(sites, await sites.writable(WEST) ?? "", sql`CREATE DATABASE precious`);
  sites.relate();
  await lab.settleUntil("user data found", isRefused);
  await afterRefusal(sites);
  const grant = withholdSecret(sites);
  sites.relate();
  await lab.settleUntil("a replica that waits", () => /Syncing credentials/.test(lab.statusOf(sites.leader(WEST))));
  await execute(sites, await sites.writable(WEST) ?? "", sql`CREATE DATABASE precious`);
  await grant();
  await lab.settleUntil("late user data found", isRefused, PATIENCE_MS);
  await afterRefusal(sites);
}

/** Both clusters are as before, and the data are there. */
async function afterRefusal(sites: Sites): Promise<void> {
  assertEquals(sites.bag(WEST)["user-data-found"], "true");
  assert(await sites.writable(WEST) && await sites.writable(EAST));
  sites.unrelate();
  await sites.lab.settleUntil("both on their own", () => sites.allReady(EAST, WEST), PATIENCE_MS);
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

/** A unit that comes later is a member of the replica, with the channel, also while nobody may write. */
async function growing(sites: Sites): Promise<void> {
  const { lab } = sites;
  const set = { "cluster-set-name": sites.setName(EAST) };
  await underWrites("the replica grows while the primary is fenced", sites, async () => {
    await sites.run(EAST, "fence-writes", set);
    await lab.model.addUnit(WEST, 1);
    await lab.settleUntil("a replica with one more unit", () => sites.allReady(WEST), PATIENCE_MS);
    await sites.run(EAST, "unfence-writes", set);
    await sites.untilReplicating();
  });
  await lab.settleUntil("metadata with the new unit", async () => {
    const known = await membersOf(lab, await sites.writable(EAST) ?? "");
    assertEquals(known, sites.allUnits().sort());
    return true;
  }, PATIENCE_MS);
}

/** New passwords of the primary cluster reach the replica's charm, and its channel. */
async function newPasswords(sites: Sites): Promise<void> {
  const { lab } = sites;
  assertMatch(await sites.refused(sites.leader(WEST), "set-password"), /related primary cluster/);
  await underWrites("new passwords", sites, async () => {
    const before = passwordOf(sites, sites.leader(WEST));
    await sites.run(EAST, "set-password");
    await lab.settleUntil("the same passwords", async () => {
      assert(passwordOf(sites, sites.leader(WEST)) !== before, "the replica has its old password");
      assertEquals(passwordOf(sites, sites.leader(WEST)), passwordOf(sites, sites.leader(EAST)));
      await letIn(sites, passwordOf(sites, sites.leader(EAST)));
      return sites.allReady(EAST, WEST);
    }, PATIENCE_MS);
    const primary = await sites.replicatingUnit(WEST);
    await execute(sites, primary, sql`STOP REPLICA FOR CHANNEL 'clusterset_replication'`);
    await execute(sites, primary, sql`START REPLICA FOR CHANNEL 'clusterset_replication'`);
    await sites.untilReplicating();
  });
}

/** Without the secret the replica goes on, and takes the passwords when it can read them again. */
async function secretTakenBack(sites: Sites): Promise<void> {
  const { lab } = sites;
  const id = sites.bag(EAST)["secret-id"] ?? "";
  const east = sites.leader(EAST);
  await lab.model.exec(east, `secret-revoke ${id} --relation ${sites.relationId}`);
  const before = passwordOf(sites, sites.leader(WEST));
  await sites.run(EAST, "set-password");
  await lab.settleUntil("a primary with new passwords", () => {
    assert(passwordOf(sites, sites.leader(EAST)) !== before);
    return sites.allReady(EAST);
  }, PATIENCE_MS);
  assertEquals(passwordOf(sites, sites.leader(WEST)), before);
  await lab.model.exec(east, `secret-grant ${id} --relation ${sites.relationId}`);
  await lab.settleUntil("the same passwords again", () => {
    assertEquals(passwordOf(sites, sites.leader(WEST)), passwordOf(sites, sites.leader(EAST)));
    return true;
  }, PATIENCE_MS);
  await sites.untilReplicating();
}

/**
 * A replica that is behind is removed when it is not any more, or does not follow. A cluster that was removed from its set
 * may return to it with its data, and takes no writes meanwhile.
 */
async function partedAndBack(sites: Sites): Promise<void> {
  const { lab } = sites;
  await underWrites("parted while it is behind, and back", sites, async () => {
    const [replica = ""] = await sites.replicating(WEST);
    {
      await using busy = await openUnit(lab, replica);
      await busy.run("keep the replica from executing", sql`LOCK TABLES test.written READ`);
      sites.unrelate();
      await lab.settleUntil("a primary that waits", () => {
        assertMatch(lab.statusOf(sites.leader(EAST)), /^waiting: .*has not caught up/);
        return true;
      }, PATIENCE_MS);
      await execute(sites, replica, sql`STOP REPLICA IO_THREAD FOR CHANNEL 'clusterset_replication'`);
    }
    await untilStandalone(sites);
    assertEquals(await clustersOf(sites), [sites.clusterName(EAST)]);
    const grant = withholdSecret(sites);
    sites.relate();
    await lab.settleUntil("a cluster made anew that waits", () => {
      return /Syncing credentials/.test(lab.statusOf(sites.leader(WEST)));
    }, PATIENCE_MS);
    assertEquals(await sites.writable(WEST), undefined);
    await grant();
    await sites.untilReplicating();
  });
}

/** The primary removes a replica that it cannot reach: that one hears of it, ends, and becomes a cluster of its own. */
async function recreated(sites: Sites): Promise<void> {
  const { lab } = sites;
  using nobody = Deno.listen({ hostname: HOST, port: 0 });
  const address = `${HOST}:${(nobody.addr as Deno.NetAddr).port}`;
  await execute(
    sites,
    await sites.writable(EAST) ?? "",
    sql`UPDATE mysql_innodb_cluster_metadata.instances SET address = ${address} WHERE cluster_id =
      (SELECT cluster_id FROM mysql_innodb_cluster_metadata.clusters WHERE cluster_name = ${sites.clusterName(WEST)})`,
  );
  // Else the replica's leader would mend the address.
  const isDeaf = (unit: string) => sites.units(WEST).includes(unit);
  await sites.whileDeaf(isDeaf, async () => {
    sites.unrelate();
    await lab.settleUntil("a set without the replica", async () => {
      assertEquals(await clustersOf(sites), [sites.clusterName(EAST)]);
      return true;
    }, PATIENCE_MS);
  });
  await untilStandalone(sites);
  console.log(`  removed without an answer: ${sites.longestRun(sites.leader(EAST), /broken/)} ms`);
  assertMatch(await sites.refused(sites.leader(WEST), "reboot-cluster-from-complete-outage"), /recreate-cluster/);
  assertMatch(await sites.run(WEST, "recreate-cluster"), /recreated/);
  await lab.settleUntil("two clusters", () => sites.allReady(EAST, WEST), PATIENCE_MS);
  assert(await sites.writable(WEST) && await sites.writable(EAST));
  assert(sites.setName(WEST) !== sites.setName(EAST));
  // A leader whose own server is out of the cluster for a while does not make another one.
  await execute(sites, sites.leader(WEST), sql`STOP GROUP_REPLICATION`);
  assertMatch(await sites.refused(sites.leader(WEST), "recreate-cluster"), /was not removed from a cluster set/);
  await lab.settleUntil("one cluster", async () => {
    await using db = await openUnit(lab, sites.leader(WEST));
    assertEquals((await readGroup(db)).online, sites.units(WEST).length);
    return sites.allReady(WEST);
  }, PATIENCE_MS);
}

async function untilStandalone(sites: Sites): Promise<void> {
  await sites.lab.settleUntil("a cluster on its own", () => {
    for (const unit of sites.units(WEST)) assertEquals(sites.lab.statusOf(unit), STANDALONE);
    return sites.allReady(EAST);
  }, PATIENCE_MS);
}

async function clustersOf(sites: Sites): Promise<string[] | undefined> {
  await using db = await openUnit(sites.lab, await sites.writable(EAST) ?? "");
  return (await readClusterSet(db))?.clusters.map(({ name }) => name);
}

async function execute(sites: Sites, unit: string, statement: Sql): Promise<void> {
  await using db = await openUnit(sites.lab, unit);
  await db.run("change what the scenario needs", statement);
}
