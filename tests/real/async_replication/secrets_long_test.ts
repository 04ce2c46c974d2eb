/** The shared passwords when Juju is late with them, takes them back, or loses its events. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { openUnit } from "../mysql/formation.ts";
import { letIn, passwordOf, withholdSecret } from "./passwords.ts";
import { EAST, makeWriterTable, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();

Deno.test({
  name: "async replication: a secret that is granted late or never heard of, and rotated while nobody listens",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    // One hook at a time: what the primary side grants is taken back before the other side's next hook.
    await withSites(mysql, { eastUnits: 1, westUnits: 2, concurrency: 1 }, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      await grantedLate(sites);
      sites.sampler.begin();
      await eventLost(sites);
      await leaderAway(sites);
    });
  },
});

/** Without the secret the replica changes nothing; it reads the newest passwords when it may. */
async function grantedLate(sites: Sites): Promise<void> {
  const { lab } = sites;
  const began = performance.now();
  sites.relate();
  const grant = withholdSecret(sites);
  const isWaiting = async () => {
    assertMatch(lab.statusOf(sites.leader(WEST)), /Syncing credentials/);
    assertEquals(sites.bag(WEST).endpoint, undefined);
    return await sites.writable(EAST) !== undefined && await sites.writable(WEST) !== undefined;
  };
  await lab.settleUntil("a replica that waits for the secret", isWaiting, PATIENCE_MS);
  await sites.run(EAST, "set-password");
  lab.model.updateStatus();
  await lab.model.settle();
  assert(await isWaiting(), "a cluster takes no writes any more");
  const granted = performance.now();
  await grant();
  await sites.untilReplicating();
  await assertOnePassword(sites);
  const [waited, attached] = [granted - began, performance.now() - granted].map(Math.round);
  console.log(`  secret granted ${waited} ms late, attached ${attached} ms later`);
}

/** Juju says nothing of new passwords: update-status finds them. */
async function eventLost(sites: Sites): Promise<void> {
  const { lab } = sites;
  await underWrites("new passwords, the secret's event lost", sites, async () => {
    const before = passwordOf(sites, sites.leader(WEST));
    const isDeaf = (unit: string, hook: string) => sites.units(WEST).includes(unit) && hook === "secret-changed";
    const from = lab.model.timeline.length;
    await sites.whileDeaf(isDeaf, async () => {
      await sites.run(EAST, "set-password");
      await lab.model.settle();
    });
    assert(lab.model.timeline.slice(from).some(({ name }) => name === "secret-changed"), "no event was lost");
    assertEquals(passwordOf(sites, sites.leader(WEST)), before);
    await untilSamePassword(sites, before);
  });
}

/** The unit that reads the secret is away while it changes: another one leads, and the first one comes back. */
async function leaderAway(sites: Sites): Promise<void> {
  const { lab } = sites;
  const away = sites.leader(WEST);
  const [heir = ""] = sites.units(WEST).filter((unit) => unit !== away);
  await underWrites("new passwords while the replica's leader is away", sites, async () => {
    const before = passwordOf(sites, away);
    await sites.whileDeaf((unit) => unit === away, async () => {
      await sites.run(EAST, "set-password");
      await lab.model.settle();
      lab.model.setLeader(heir);
      lab.model.updateStatus();
      await lab.model.settle();
    });
    await untilSamePassword(sites, before);
  });
  await underWrites("new passwords while nobody leads who hears of them", sites, async () => {
    const before = passwordOf(sites, heir);
    await sites.whileDeaf((unit) => unit === heir, async () => {
      await sites.run(EAST, "set-password");
      lab.model.updateStatus();
      await lab.model.settle();
    });
    await untilSamePassword(sites, before);
  });
}

/** Hooks run until all units have new passwords; the channel can then connect anew. */
async function untilSamePassword(sites: Sites, before: string): Promise<void> {
  await sites.lab.settleUntil("the same passwords", async () => {
    assert(passwordOf(sites, sites.leader(EAST)) !== before, "the primary has its old password");
    await assertOnePassword(sites);
    return sites.allReady(EAST, WEST);
  }, PATIENCE_MS);
  const primary = await sites.replicatingUnit(WEST);
  {
    await using db = await openUnit(sites.lab, primary);
    await db.run("connect anew", sql`STOP REPLICA IO_THREAD FOR CHANNEL 'clusterset_replication'`);
    await db.run("connect anew", sql`START REPLICA IO_THREAD FOR CHANNEL 'clusterset_replication'`);
  }
  await sites.untilReplicating();
}

async function assertOnePassword(sites: Sites): Promise<void> {
  const told = new Set(sites.allUnits().map((unit) => passwordOf(sites, unit)));
  assertEquals(told.size, 1, "different passwords");
  const [password = ""] = told;
  assertMatch(password, /^.{16,}$/);
  await letIn(sites, password);
}
