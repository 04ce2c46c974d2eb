/** Hooks and actions that are killed at everything that they change: the end is that of those that are not. */
import { assert, assertEquals, fail } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import type { ActionTask } from "../../model/state.ts";
import { GeneralLogs } from "./general_logs.ts";
import { inWords, KillPoints, type Tally } from "./kill_points.ts";
import { EAST, makeWriterTable, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();
const STANDALONE = "blocked: Standalone read-only unit.";
/** An action that was killed has come to its end all the same. */
const ALREADY = /already fenced|Only a standby|clusters can be rejoined/;
/** Repetitions of an action that are not killed, or only at a point that was planned before. */
const REPETITIONS = 4;
const LOOK_MS = 50;

interface Stage {
  readonly sites: Sites;
  readonly logs: GeneralLogs;
}

Deno.test({
  name: "async replication: hooks and actions killed at each kind of statement and hook command still end as others do",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, { eastUnits: 2, concurrency: 1 }, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      using logs = await GeneralLogs.open(sites.lab, sites.allUnits());
      const stage = { sites, logs };
      await related(stage);
      await promoted(stage);
      await fenced(stage);
      await rejoined(stage);
      await parted(stage);
      sites.sampler.assertOneCluster();
    });
  },
});

/** The whole way from two clusters to a replica. */
async function related(stage: Stage): Promise<void> {
  const { sites } = stage;
  await killing("attach", stage, async (points) => {
    using _closed = onceClosed(sites);
    using _ = points.arm();
    sites.relate();
    await sites.untilReplicating();
  });
  sites.sampler.assertOneCluster();
}

/** Forgets what the sampler has seen when the replica is closed: until then both clusters take writes. */
function onceClosed(sites: Sites): Disposable {
  const timer = setInterval(() => {
    if (sites.bag(WEST).endpoint === undefined) return;
    sites.sampler.begin();
    clearInterval(timer);
  }, LOOK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** One kill, then the action again: the roles are those that were asked for. To and fro, until none is left. */
async function promoted(stage: Stage): Promise<void> {
  const { sites, sites: { lab } } = stage;
  const set = { "cluster-set-name": sites.setName(EAST) };
  let rejoins = 0;
  await underWrites("switchovers, each one killed", sites, async () => {
    await killing("promote", stage, async (points) => {
      let [to, from] = [WEST, EAST];
      for (let wasKilled = true; wasKilled; [to, from] = [from, to]) {
        wasKilled = await killedOnce(sites, points, to, "promote-standby-cluster", set);
        assert(await sites.writable(to), `${to} takes no writes`);
        assertEquals(await sites.writable(from), undefined);
        if ((await sites.channels(from)).every(({ receiver }) => receiver === "" || receiver === "OFF")) {
          rejoins++;
          await sites.run(to, "rejoin-cluster", { "cluster-name": sites.clusterName(from) });
        }
        await lab.waitFor(`${from} to follow`, () => sites.follows(from), PATIENCE_MS);
        assertEquals((await sites.channels(to)).filter(({ exists }) => exists), [], "channels of the primary");
      }
    });
  });
  console.log(`  the old primary had to be rejoined after ${rejoins} of the kills`);
}

async function fenced(stage: Stage): Promise<void> {
  const { sites } = stage;
  const app = (await sites.writable())?.split("/")[0] ?? fail("nobody takes writes");
  const set = { "cluster-set-name": sites.setName(EAST) };
  await underWrites("fences, each one killed", sites, async () => {
    await killing("fence and unfence", stage, async (points) => {
      for (let kills = 1; kills > 0;) {
        kills = 0;
        if (await killedOnce(sites, points, app, "fence-writes", set)) kills++;
        assertEquals(await sites.writable(), undefined);
        if (await killedOnce(sites, points, app, "unfence-writes", set)) kills++;
        assert(await sites.writable(app));
      }
    });
  });
}

/** A site that was left behind comes back. */
async function rejoined(stage: Stage): Promise<void> {
  const { sites, sites: { lab } } = stage;
  const set = { "cluster-set-name": sites.setName(EAST) };
  if (!await sites.writable(EAST)) await sites.run(EAST, "promote-standby-cluster", set);
  await sites.lose(EAST);
  await sites.run(WEST, "promote-standby-cluster", { ...set, force: true });
  sites.revive();
  await lab.settleUntil("the lost site's servers", () => {
    return sites.units(EAST).every((unit) => lab.statusOf(unit).includes("reboot-cluster-from-complete-outage"));
  }, PATIENCE_MS);
  await sites.run(EAST, "reboot-cluster-from-complete-outage");
  await underWrites("a return that is killed again and again", sites, async () => {
    await killing("rejoin", stage, async (points) => {
      const name = { "cluster-name": sites.clusterName(EAST) };
      using _ = points.arm();
      while (!isOver(await lab.model.run(sites.leader(WEST), "rejoin-cluster", name)));
      await sites.untilReplicating(EAST);
    });
  });
}

/** The relation ends: the primary, which is the other side now, takes the replica out of the set. */
async function parted(stage: Stage): Promise<void> {
  const { sites, sites: { lab } } = stage;
  await killing("part", stage, async (points) => {
    using _ = points.arm();
    sites.unrelate();
    await lab.settleUntil("clusters of their own", () => {
      for (const unit of sites.units(EAST)) assertEquals(lab.statusOf(unit), STANDALONE);
      return sites.allReady(WEST);
    }, PATIENCE_MS);
  });
  assertEquals(await sites.writable(EAST), undefined);
}

/** Does a part of the test, and tells at how many of its points something was killed. */
async function killing(what: string, { sites, logs }: Stage, work: (points: KillPoints) => Promise<void>) {
  const { lab } = sites;
  const points = new KillPoints(lab, logs);
  const from = lab.model.timeline.length;
  const began = performance.now();
  await work(points);
  const ms = Math.round(performance.now() - began);
  const kills = lab.model.timeline.slice(from).filter(({ outcome }) => outcome === "killed").length;
  console.log(`  ${what}: ${kills} kills, ${ms} ms`);
  for (const tally of [points.statements, points.commands]) {
    console.log(`    ${inWords(tally)}`);
    assert(isEnough(tally), `${what}: too few kills`);
  }
}

/** A machine that is busy kills some too late, at the next one: half of them at a load of 15, nearly all when quiet. */
function isEnough({ seen, hit }: Tally): boolean {
  return hit.size >= seen.size / 3;
}

/** Runs an action that is killed at a new point, and then again as an operator would. @returns whether there was one */
async function killedOnce(
  sites: Sites,
  points: KillPoints,
  app: string,
  action: string,
  params: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { model } = sites.lab;
  const run = () => model.run(sites.leader(app), action, params);
  {
    using _ = points.arm();
    if (isOver(await run())) return false;
  }
  for (let runs = 1;; runs++) {
    const end = await run();
    if (isOver(end)) return true;
    assert(runs < REPETITIONS, `${action}: ${end.message}`);
  }
}

function isOver({ status, message }: Pick<ActionTask, "status" | "message">): boolean {
  return status === "completed" || ALREADY.test(message);
}
