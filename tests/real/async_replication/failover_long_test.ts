/** A site is lost: the other one takes over, the lost one comes back as its replica or is refused. Fences. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { UnreachableError } from "../../../interfaces/clients/errors.ts";
import type { SetAccess } from "../../../interfaces/clients/mysql/cluster_set/access.ts";
import { promoteCluster } from "../../../interfaces/clients/mysql/cluster_set/promote.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { connectMysql } from "../../../interfaces/clients/mysql/connection.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { openUnit } from "../mysql/formation.ts";
import { HOST } from "../mysql/lab.ts";
import { EAST, makeWriterTable, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();

Deno.test({
  name: "async replication: fences, a lost site, its late return with and without transactions of its own",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, {}, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      sites.relate();
      await sites.untilReplicating();
      sites.sampler.begin();
      const set = { "cluster-set-name": sites.setName(EAST) };

      await fenced(sites, set);
      await lostAndBack(sites, set);
      await apartAndBack(sites, set);
      await withErrantTransactions(sites, set);
    });
  },
});

/** A fence holds over a change of the primary. */
async function fenced(sites: Sites, set: Readonly<Record<string, string>>): Promise<void> {
  const { lab } = sites;
  await underWrites("fence, change of the primary, unfence", sites, async () => {
    assertMatch(await sites.run(EAST, "fence-writes", set), /fenced/);
    assertEquals(await sites.writable(), undefined);
    assertMatch(await sites.refused(sites.leader(EAST), "fence-writes", set), /already/);
    const [heir] = sites.units(EAST).filter((unit) => unit !== sites.leader(EAST));
    await sites.run(EAST, "set-cluster-primary", { address: heir });
    await lab.settleUntil("all is quiet", () => true);
    assertEquals(await sites.writable(), undefined);
    await unlock(sites, heir ?? "");
    assertEquals(await takesClients(sites, heir ?? ""), false, "administrators may write, clients may not");
    assertMatch(await sites.refused(sites.leader(EAST), "fence-writes", set), /already/);
    assertMatch(await sites.run(EAST, "unfence-writes", set), /resumed/);
    assert(await sites.writable(EAST));
    await writeAsAnybody(sites, heir ?? "");
  });
  const times = ["fence-writes", "unfence-writes"].map((name) =>
    `${name} ${sites.longestRun(sites.leader(EAST), name)}`
  );
  console.log(`  the actions: ${times.join(", ")} ms`);
}

async function takesClients({ lab }: Sites, unit: string): Promise<boolean> {
  await using db = await openUnit(lab, unit);
  return (await readGroup(db)).writable;
}

/** What an unfence-writes leaves that is killed after its first step: administrators may write, clients may not. */
async function unlock({ lab }: Sites, unit: string): Promise<void> {
  await using db = await openUnit(lab, unit);
  await db.run("unlock the server", sql`SET GLOBAL super_read_only = OFF`);
}

/** A user without any privilege but to write may write. */
async function writeAsAnybody(sites: Sites, unit: string): Promise<void> {
  const [user, password] = ["anybody", crypto.randomUUID()];
  {
    await using db = await openUnit(sites.lab, unit);
    await db.run("make a user", sql`CREATE USER anybody IDENTIFIED BY ${password}`);
    await db.run("let it write", sql`GRANT INSERT ON test.* TO anybody`);
  }
  const port = Number(sites.unitBag(unit)["cluster-port"]);
  await using db = await connectMysql({ at: { host: HOST, port, tls: "unverified" }, user, password });
  await db.run("write", sql`INSERT INTO test.written VALUES (0, 2)`);
}

/** The primary site dies; the other one is promoted; the dead one comes back as its replica. */
async function lostAndBack(sites: Sites, set: Readonly<Record<string, string>>): Promise<void> {
  const { lab } = sites;
  await sites.lose(EAST);
  const why = await sites.refused(sites.leader(WEST), "promote-standby-cluster", set);
  assertMatch(why, /Failed to promote/);
  assertEquals(await sites.writable(), undefined);
  const lost = performance.now();
  assertMatch(await sites.run(WEST, "promote-standby-cluster", { ...set, force: true }), /promoted to primary/);
  console.log(`  forced promotion: ${Math.round(performance.now() - lost)} ms`);
  assert(await sites.writable(WEST));
  await underWrites("the site that is left", sites, async () => {
    await sites.revive();
    await lab.settleUntil("the lost site's servers", () => {
      for (const unit of sites.units(EAST)) assertMatch(lab.statusOf(unit), /reboot-cluster-from-complete-outage/);
      return true;
    }, PATIENCE_MS);
    assertEquals(await sites.writable(EAST), undefined);
    await sites.run(EAST, "reboot-cluster-from-complete-outage");
    assertEquals(await sites.writable(EAST), undefined);
    await sites.run(WEST, "rejoin-cluster", { "cluster-name": sites.clusterName(EAST) });
    await sites.untilReplicating(EAST);
  });
  await underWrites("back to the first site", sites, async () => {
    await sites.run(EAST, "promote-standby-cluster", set);
    await sites.untilReplicating(WEST);
  });
}

/** The primary site runs on, where nobody can reach it while the other is promoted by force. */
async function apartAndBack(sites: Sites, set: Readonly<Record<string, string>>): Promise<void> {
  const { lab } = sites;
  const units = sites.units(WEST);
  const connect: SetAccess["connect"] = async ({ host, port }) => {
    const unit = units.find((each) => sites.unitBag(each)["cluster-port"] === `${port}`);
    if (unit) return await openUnit(lab, unit);
    throw new UnreachableError([{ endpoint: `${host}:${port}`, reason: "cut off" }]);
  };
  const access: SetAccess = { connect, replication: { user: "", password: "" }, holder: "test" };
  {
    await using db = await openUnit(lab, units[0] ?? "");
    await promoteCluster(access, db, { clusterName: sites.clusterName(WEST), force: true });
  }
  assert(await sites.writable(WEST) && await sites.writable(EAST), "both take writes: they do not know of each other");
  await lab.settleUntil("the old primary closed", async () => await sites.writable(EAST) === undefined);
  sites.sampler.begin();
  await underWrites("apart, and rejoined", sites, async () => {
    await sites.run(WEST, "rejoin-cluster", { "cluster-name": sites.clusterName(EAST) });
    await sites.untilReplicating(EAST);
    await sites.run(EAST, "promote-standby-cluster", set);
    await sites.untilReplicating(WEST);
  });
}

/** What only the lost site has is not mixed with the others' data. */
async function withErrantTransactions(sites: Sites, set: Readonly<Record<string, string>>): Promise<void> {
  const { lab } = sites;
  await lab.model.settle();
  const replicating = sites.units(WEST);
  for (const unit of replicating) {
    await using db = await openUnit(lab, unit);
    await db.run("hold replication", sql`STOP REPLICA FOR CHANNEL 'clusterset_replication'`);
  }
  const east = await sites.writable(EAST) ?? "";
  {
    await using db = await openUnit(lab, east);
    await db.run("write what nobody else gets", sql`INSERT INTO test.written VALUES (0, 1)`);
  }
  await sites.lose(EAST);
  await sites.run(WEST, "promote-standby-cluster", { ...set, force: true });
  await sites.revive();
  await lab.settleUntil("the lost site's servers", () => {
    for (const unit of sites.units(EAST)) assertMatch(lab.statusOf(unit), /reboot-cluster-from-complete-outage/);
    return true;
  }, PATIENCE_MS);
  await sites.run(EAST, "reboot-cluster-from-complete-outage");
  assertEquals(await sites.writable(EAST), undefined);
  const name = { "cluster-name": sites.clusterName(EAST) };
  assertMatch(await sites.refused(sites.leader(WEST), "rejoin-cluster", name), /Failed to rejoin/);
  sites.sampler.assertOneCluster();
}
