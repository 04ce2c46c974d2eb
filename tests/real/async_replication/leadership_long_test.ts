/** Other units become the leaders while sites are related and promoted: the end is that of leaders that stay. */
import { assert, assertEquals, assertMatch, fail } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { channelSource, ensureChannel } from "../../../interfaces/clients/mysql/cluster_set/channel.ts";
import { readRole } from "../../../interfaces/clients/mysql/cluster_set/state.ts";
import { openUnit } from "../mysql/formation.ts";
import { EAST, makeWriterTable, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();
const PROMOTE = "promote-standby-cluster";

/** A moment at which another unit becomes the leader. */
interface Moment {
  readonly what: string;
  readonly app: string;
  readonly isNow: (sites: Sites) => boolean;
}

const isMade = (sites: Sites) => sites.bag(EAST)["replica-state"] === "initialized";
const membersOf = (sites: Sites) => Number(sites.peerBag(WEST)["units-added-to-cluster"] ?? 0);

const MOMENTS: readonly Moment[] = [
  {
    what: "the primary side has offered itself",
    app: EAST,
    isNow: (sites) => sites.bag(EAST)["secret-id"] !== undefined,
  },
  { what: "the replica side gives itself up", app: WEST, isNow: (sites) => membersOf(sites) === 0 },
  { what: "it has answered", app: WEST, isNow: (sites) => sites.bag(WEST).endpoint !== undefined },
  { what: "the primary side hears it", app: EAST, isNow: (sites) => sites.bag(WEST).endpoint !== undefined },
  { what: "the replica's first node is there", app: WEST, isNow: isMade },
  { what: "its other units may join", app: WEST, isNow: (sites) => isMade(sites) && membersOf(sites) > 0 },
  { what: "a second unit has joined", app: WEST, isNow: (sites) => isMade(sites) && membersOf(sites) > 1 },
];

Deno.test({
  name: "async replication: leadership moves at each step of attaching and of a promotion",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    // Juju refuses what a unit says for its application when another one leads meanwhile, and runs its hook again.
    await withSites(mysql, { westUnits: 3, retries: 3 }, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      await attach(sites);
      await promotions(sites);
      await forgetsChannel(sites);
    });
  },
});

/** Relates the sites; each moment has its move. */
async function attach(sites: Sites): Promise<void> {
  const { lab } = sites;
  const left = new Set(MOMENTS);
  lab.intercept = (_unit, command) => {
    for (const moment of left) {
      if (!moment.isNow(sites)) continue;
      left.delete(moment);
      moveLeader(sites, moment.app);
    }
    return command;
  };
  const began = performance.now();
  sites.relate();
  await sites.untilReplicating();
  lab.intercept = undefined;
  assertEquals([...left].map(({ what }) => what), [], "moments that never came");
  await assertWhole(sites);
  console.log(
    `  ${MOMENTS.length} moves, one at each step: attached after ${Math.round(performance.now() - began)} ms`,
  );
}

/** Both leaders change while the action runs, and just after its end. */
async function promotions(sites: Sites): Promise<void> {
  const { lab } = sites;
  sites.sampler.begin();
  const set = { "cluster-set-name": sites.setName(EAST) };
  await underWrites("a promotion whose leader is another one at its end", sites, async () => {
    const unit = sites.leader(WEST);
    lab.intercept = (ranBy, command, name) => {
      if (ranBy === unit && name === PROMOTE) moveLeader(sites, EAST);
      return command;
    };
    lab.model.addFault({ unit, hook: PROMOTE, at: { command: 6, when: "after" }, do: "lose-leadership" });
    const { status, message } = await lab.model.run(unit, PROMOTE, set);
    lab.intercept = undefined;
    assert(sites.leader(WEST) !== unit, "the leader has not changed");
    if (status !== "completed") assertMatch(await promoteAgain(sites, set), /promoted|Only a standby/, message);
    await sites.untilReplicating(EAST);
  });
  await underWrites("a promotion with new leaders just after it", sites, async () => {
    assertMatch(await sites.run(EAST, PROMOTE, set), /promoted to primary/);
    moveLeader(sites, EAST);
    moveLeader(sites, WEST);
    await sites.untilReplicating(WEST);
  });
  await assertWhole(sites);
}

/** A secondary that came into its group during a promotion has the channel of before, without sources. */
async function forgetsChannel(sites: Sites): Promise<void> {
  const primary = await sites.writable(EAST);
  const unit = sites.units(EAST).find((each) => each !== primary) ?? fail("there is no secondary");
  await using db = await openUnit(sites.lab, unit);
  const source = channelSource({ host: "127.0.0.1", port: 1 }, "", { user: "nobody", password: "" });
  await ensureChannel(db, source, { failover: false });
  assertEquals(await readRole(db), "replica");
  sites.lab.model.updateStatus();
  await sites.lab.settleUntil("the channel to be forgotten", async () => await readRole(db) === "primary");
  await assertWhole(sites);
}

/** What an operator does who was told that the action failed. */
async function promoteAgain(sites: Sites, set: Readonly<Record<string, string>>): Promise<string> {
  return (await sites.lab.model.run(sites.leader(WEST), PROMOTE, set)).message;
}

/** The unit after the leader leads from now on. */
function moveLeader(sites: Sites, app: string): void {
  const units = sites.units(app);
  const next = units[(units.indexOf(sites.leader(app)) + 1) % units.length];
  if (next !== undefined) sites.lab.model.setLeader(next);
}

/** All three units of both sites are members, and one of them takes writes. */
async function assertWhole(sites: Sites): Promise<void> {
  await sites.lab.settleUntil("three members each, as all say", () => {
    for (const unit of sites.allUnits()) assertMatch(sites.lab.statusOf(unit), /can tolerate up to ONE failure/, unit);
    return true;
  }, PATIENCE_MS);
  assert(await sites.writable(EAST));
  assertEquals(await sites.writable(WEST), undefined);
}
