/** Servers that die while sites are related, promoted, fenced and parted: the end is that of servers that live. */
import { assert, assertEquals, fail } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { killServer, openUnit } from "../mysql/formation.ts";
import { WRITE_MS } from "../mysql/scenario_writer.ts";
import { EAST, makeWriterTable, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();
const STANDALONE = "blocked: Standalone read-only unit.";
/** Whose server dies. A secondary is the leader's, when another one is the primary. */
type Victim = readonly [app: string, role: "primary" | "secondary"];

const EAST_PRIMARY: Victim = [EAST, "primary"];
const EAST_SECONDARY: Victim = [EAST, "secondary"];
const WEST_PRIMARY: Victim = [WEST, "primary"];
const WEST_SECONDARY: Victim = [WEST, "secondary"];

/** A step of relating: who dies when its first hook begins. */
interface Step {
  readonly what: string;
  readonly isNow: (sites: Sites) => boolean;
  readonly victims: readonly Victim[];
}

const isEnding = (sites: Sites) => (sites.peerBag(WEST)["units-added-to-cluster"] ?? "") === "";

const MADE: Step = {
  what: "its first node is made",
  isNow: (sites) => sites.bag(WEST).endpoint !== undefined,
  victims: [WEST_PRIMARY],
};

/** One of a group at most: of three, two have to live. The replica's first node is in none when it is made. */
const RELATING: readonly Step[] = [
  {
    what: "the replica side gives itself up",
    isNow: (sites) => sites.bag(EAST)["secret-id"] !== undefined && isEnding(sites),
    victims: [WEST_SECONDARY, EAST_PRIMARY],
  },
  MADE,
];

Deno.test({
  name: "async replication: servers of primaries, secondaries and leaders of both sites die at each step",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, { westUnits: 3, retries: 3 }, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      await relating(sites);
      await replicating(sites, EAST_PRIMARY, WEST_SECONDARY);
      await promotion(sites, EAST_PRIMARY, WEST_SECONDARY);
      await fence(sites, WEST_PRIMARY, EAST_SECONDARY);
      await parting(sites, WEST_SECONDARY, EAST_PRIMARY);
    });
  },
});

/** Each step has its deaths; those that die are chosen before, as roles change. */
async function relating(sites: Sites): Promise<void> {
  const { lab } = sites;
  const left = new Map<Step, readonly string[]>();
  for (const step of RELATING) left.set(step, await Promise.all(step.victims.map((victim) => unitOf(sites, victim))));
  const deaths: Promise<void>[] = [];
  const connect = async () => await openUnit(lab, await sites.writable(EAST) ?? sites.leader(EAST), WRITE_MS);
  await underWrites("servers that die while sites are related", sites, async () => {
    lab.intercept = (_unit, command) => {
      for (const [step, units] of left) {
        if (!step.isNow(sites)) continue;
        left.delete(step);
        deaths.push(...units.map((unit) => killServer(lab, unit)));
        // Until it gives itself up, the other site takes writes too.
        if (step === MADE) sites.sampler.begin();
      }
      return command;
    };
    sites.relate();
    await untilWhole(sites, WEST);
    lab.intercept = undefined;
    await Promise.all(deaths);
    assertEquals([...left.keys()].map(({ what }) => what), [], "steps that never came");
  }, connect);
}

async function replicating(sites: Sites, ...victims: readonly Victim[]): Promise<void> {
  await underWrites(`replicating: ${inWords(victims)} die`, sites, async () => {
    await kill(sites, victims);
    await untilWhole(sites, WEST);
  });
}

/** An operator runs the action until it is done. */
async function promotion(sites: Sites, ...victims: readonly Victim[]): Promise<void> {
  const { lab, lab: { model } } = sites;
  const set = { "cluster-set-name": sites.setName(EAST) };
  const promote = () => model.run(sites.leader(WEST), "promote-standby-cluster", set);
  await underWrites(`promotion: ${inWords(victims)} die`, sites, async () => {
    const units = await Promise.all(victims.map((victim) => unitOf(sites, victim)));
    let [{ status, message }] = await Promise.all([promote(), ...units.map((unit) => killServer(lab, unit))]);
    await lab.settleUntil("the end of the promotion", async () => {
      if (status !== "completed") ({ status, message } = await promote());
      return status === "completed" || /Only a standby/.test(message);
    }, PATIENCE_MS);
    await untilWhole(sites, EAST);
  });
  assert(await sites.writable(WEST));
}

/** A fence holds while another primary is elected. */
async function fence(sites: Sites, ...victims: readonly Victim[]): Promise<void> {
  const set = { "cluster-set-name": sites.setName(WEST) };
  await underWrites(`fenced: ${inWords(victims)} die`, sites, async () => {
    await sites.run(WEST, "fence-writes", set);
    await kill(sites, victims);
    await sites.lab.settleUntil("whole clusters", () => areWhole(sites), PATIENCE_MS);
    assertEquals(await sites.writable(), undefined);
    await sites.run(WEST, "unfence-writes", set);
    await untilWhole(sites, EAST);
  });
}

async function parting(sites: Sites, ...victims: readonly Victim[]): Promise<void> {
  const { lab } = sites;
  const units = await Promise.all(victims.map((victim) => unitOf(sites, victim)));
  sites.unrelate();
  await Promise.all(units.map((unit) => killServer(lab, unit)));
  await lab.settleUntil("the replica to be on its own", () => {
    for (const unit of sites.units(EAST)) assertEquals(lab.statusOf(unit), STANDALONE, unit);
    return sites.allReady(WEST);
  }, PATIENCE_MS);
  assert(await sites.writable(WEST));
  assertEquals(await sites.writable(EAST), undefined);
  sites.sampler.assertOneCluster();
}

async function kill(sites: Sites, victims: readonly Victim[]): Promise<void> {
  const units = await Promise.all(victims.map((victim) => unitOf(sites, victim)));
  await Promise.all(units.map((unit) => killServer(sites.lab, unit)));
}

/** The unit with such a server. Of secondaries, the leader's if it has one. */
async function unitOf(sites: Sites, [app, role]: Victim): Promise<string> {
  const leader = sites.leader(app);
  const units = [leader, ...sites.units(app).filter((unit) => unit !== leader)];
  for (const unit of units) {
    await using db = await openUnit(sites.lab, unit);
    if ((await readGroup(db)).self?.role === role) return unit;
  }
  return fail(`${app} has no ${role}`);
}

/** All units are members and say that all is well, and the replica has all that the other site has. */
async function untilWhole(sites: Sites, replica: string): Promise<void> {
  await sites.lab.settleUntil("whole clusters", () => areWhole(sites), PATIENCE_MS);
  await sites.untilReplicating(replica);
}

/** Whether every server is a member of its group. */
async function areWhole(sites: Sites): Promise<boolean> {
  for (const unit of sites.allUnits()) {
    await using db = await openUnit(sites.lab, unit);
    assertEquals((await readGroup(db)).self?.state, "ONLINE", unit);
  }
  return true;
}

function inWords(victims: readonly Victim[]): string {
  return victims.map(([app, role]) => `${app}'s ${role}`).join(" and ");
}
