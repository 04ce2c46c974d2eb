/** A relation that ends while one of the sites is dead, and a lost primary whose record looks as new as the other's. */
import { assert, assertEquals, assertMatch, fail } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { DISSOLUTION_MS } from "../../../interfaces/async_replication/broken.ts";
import { readClusterSet } from "../../../interfaces/clients/mysql/cluster_set/records.ts";
import { type Sql, sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { openUnit } from "../mysql/formation.ts";
import { EAST, makeWriterTable, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();
const STANDALONE = /^blocked: Standalone read-only unit/;
/** The view that a promotion by force makes of all before. */
const GENERATION = 65_536;
const CHANNEL = sql`FOR CHANNEL 'clusterset_replication'`;

Deno.test({
  name: "async replication: parted while a site is dead and related again; a lost primary with a record as new as ours",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, { eastUnits: 2 }, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      sites.relate();
      await sites.untilReplicating();
      sites.sampler.begin();
      await partedFromDeadPrimary(sites);
      await partedFromDeadReplica(sites);
      await equalViews(sites);
    });
  },
});

/** The replica waits for its dissolution until the deadline; the primary returns and does it; both relate again. */
async function partedFromDeadPrimary(sites: Sites): Promise<void> {
  const { lab } = sites;
  await underWrites("parted while the primary is dead, and back", sites, async () => {
    await sites.lose(EAST);
    sites.unrelate();
    await untilAll(sites, WEST, /^waiting: Waiting for cluster to be dissolved/);
    assertEquals(await sites.writable(), undefined);
    for (const unit of sites.units(WEST)) letTimePass(sites, unit, DISSOLUTION_MS);
    await untilAll(sites, WEST, /^blocked: Replica cluster not dissolved after relation broken/);
    assertEquals(await sites.writable(), undefined);
    await comeBack(sites);
    await lab.settleUntil("a primary on its own", () => sites.allReady(EAST), PATIENCE_MS);
    assert(await sites.writable(EAST));
    await untilAll(sites, WEST, STANDALONE);
    sites.relate();
    await sites.untilReplicating();
  });
}

/** The primary forgets a replica that it cannot reach; that one stays closed when it returns, and becomes one again. */
async function partedFromDeadReplica(sites: Sites): Promise<void> {
  const { lab } = sites;
  await underWrites("parted while the replica is dead, and back", sites, async () => {
    await sites.lose(WEST);
    sites.unrelate();
    await lab.settleUntil("a set without the replica", async () => {
      assertEquals(await clustersOf(sites, await sites.writable(EAST) ?? ""), [sites.clusterName(EAST)]);
      return sites.allReady(EAST);
    }, PATIENCE_MS);
    sites.revive();
    await untilAll(sites, WEST, STANDALONE);
    assertEquals(await sites.writable(WEST), undefined);
    sites.relate();
    await sites.untilReplicating();
  });
}

/**
 * The primary site had changed the record of the set, and had written a row, when it was lost: the other site has heard
 * of neither. What that makes of the record when it is promoted by force is no newer than the record of the lost site.
 */
async function equalViews(sites: Sites): Promise<void> {
  const replica = await sites.replicatingUnit(WEST);
  const east = await sites.writable(EAST) ?? "";
  await execute(sites, replica, sql`STOP REPLICA ${CHANNEL}`);
  await execute(sites, east, sql`UPDATE mysql_innodb_cluster_metadata.clustersets SET view_id = ${GENERATION}`);
  await execute(sites, east, sql`INSERT INTO test.written VALUES (0, 1)`);
  const view = await viewOf(sites, east);
  const set = { "cluster-set-name": sites.setName(EAST) };
  await sites.lose(EAST);
  await sites.run(WEST, "promote-standby-cluster", { ...set, force: true });
  const west = await sites.writable(WEST) ?? "";
  assertEquals([view, await viewOf(sites, west)], [GENERATION, GENERATION], "views of the lost site, and of the other");
  await comeBack(sites);
  assertEquals(await sites.writable(), west);
  assertMatch(await sites.refused(sites.leader(EAST), "unfence-writes", set), /./);
  const name = { "cluster-name": sites.clusterName(EAST) };
  assertMatch(await sites.refused(sites.leader(WEST), "rejoin-cluster", name), /Failed to rejoin/);
  assertEquals(await sites.writable(), west);
  sites.sampler.assertOneCluster();
}

/** The lost site has power again, and its cluster is started. */
async function comeBack(sites: Sites): Promise<void> {
  sites.revive();
  await untilAll(sites, EAST, /reboot-cluster-from-complete-outage/);
  assertEquals(await sites.writable(EAST), undefined);
  await sites.run(EAST, "reboot-cluster-from-complete-outage");
}

/** Runs hooks until all units of an application say so. */
async function untilAll(sites: Sites, app: string, said: RegExp): Promise<void> {
  const { lab } = sites;
  await lab.settleUntil(`${said}`, () => {
    for (const unit of sites.units(app)) assertMatch(lab.statusOf(unit), said, unit);
    return true;
  }, PATIENCE_MS);
}

/** What a unit's deferred handlers remember is so much older: the same as if they had waited. */
function letTimePass({ lab }: Sites, unit: string, ms: number): void {
  const { state } = lab.model.world.units[unit] ?? fail(`there is no ${unit}`);
  for (const [key, text] of Object.entries(state).filter(([key]) => key.includes("deferred."))) {
    const { firstSeen, due, deadline, ...entry } = JSON.parse(text);
    const past = (time: number | undefined) => time === undefined ? undefined : time - ms;
    state[key] = JSON.stringify({ ...entry, firstSeen: past(firstSeen), due: past(due), deadline: past(deadline) });
  }
}

async function clustersOf({ lab }: Sites, unit: string): Promise<string[] | undefined> {
  await using db = await openUnit(lab, unit);
  return (await readClusterSet(db))?.clusters.map(({ name }) => name);
}

async function viewOf({ lab }: Sites, unit: string): Promise<number | undefined> {
  await using db = await openUnit(lab, unit);
  return (await readClusterSet(db))?.viewId;
}

async function execute({ lab }: Sites, unit: string, statement: Sql): Promise<void> {
  await using db = await openUnit(lab, unit);
  await db.run("change what the scenario needs", statement);
}
