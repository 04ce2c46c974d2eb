/**
 * Parts of the life of two sites whose hooks and actions are killed, and then run again by Juju or by an operator. Each
 * fails when its end is another than that of a part in which nothing is killed, and tells how much was killed.
 *
 * @module
 */
import { assert, assertEquals, fail } from "@std/assert";
import type { ActionTask } from "../../model/state.ts";
import type { GeneralLogs } from "./general_logs.ts";
import { type Aim, inWords, KillPoints, type Tally } from "./kill_points.ts";
import { EAST, PATIENCE_MS, type Sites, WEST } from "./sites.ts";
import { underWrites } from "./writes.ts";

const STANDALONE = "blocked: Standalone read-only unit.";
/** An action that was killed has come to its end all the same. */
const ALREADY = /already fenced|Only a standby|clusters can be rejoined/;
/** Repetitions of an action that are not killed. */
const REPETITIONS = 4;
const LOOK_MS = 50;
/** Milliseconds for everything of a part to be done under kills at each of its requests. */
const EVERY_MS = 3_600_000;
/** Who becomes the primary, and who was it. */
const ROUND = [[WEST, EAST], [EAST, WEST]] as const;

/** Where a part plays. */
export interface Stage {
  readonly sites: Sites;
  /** How runs are killed; none is without it. */
  readonly killing?: { readonly logs: GeneralLogs; readonly aim: Aim };
}

/** The parts, in an order in which each finds what it needs. All but the first one want sites that are related. */
export const PARTS = { attach, promote, fence, rejoin, part } as const satisfies Readonly<
  Record<string, (stage: Stage) => Promise<void>>
>;

/** The whole way from two clusters to a replica. */
async function attach(stage: Stage): Promise<void> {
  const { sites } = stage;
  await during("attach", stage, async (points) => {
    using _closed = onceClosed(sites);
    using _ = points?.arm();
    sites.relate();
    await sites.untilReplicating(WEST, patienceOf(stage));
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

/** One kill, then the action again: the roles are those that were asked for. To and fro, until a round has no kill. */
async function promote(stage: Stage): Promise<void> {
  const { sites, sites: { lab } } = stage;
  const set = { "cluster-set-name": sites.setName(EAST) };
  let rejoins = 0;
  await underWrites("switchovers", sites, async () => {
    await during("promote", stage, async (points) => {
      for (let kills = 1; kills > 0;) {
        kills = 0;
        for (const [to, from] of ROUND) {
          if (await killedOnce(sites, points, to, "promote-standby-cluster", set)) kills++;
          assert(await sites.writable(to), `${to} takes no writes`);
          assertEquals(await sites.writable(from), undefined);
          if ((await sites.channels(from)).every(({ receiver }) => receiver === "" || receiver === "OFF")) {
            rejoins++;
            await sites.run(to, "rejoin-cluster", { "cluster-name": sites.clusterName(from) });
          }
          await lab.waitFor(`${from} to follow`, () => sites.follows(from), PATIENCE_MS);
          assertEquals((await sites.channels(to)).filter(({ exists }) => exists), [], "channels of the primary");
        }
      }
    });
  });
  console.log(`  the old primary had to be rejoined after ${rejoins} of the kills`);
}

async function fence(stage: Stage): Promise<void> {
  const { sites } = stage;
  const app = await primaryOf(sites);
  const set = { "cluster-set-name": sites.setName(EAST) };
  await underWrites("fences", sites, async () => {
    await during("fence and unfence", stage, async (points) => {
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
async function rejoin(stage: Stage): Promise<void> {
  const { sites, sites: { lab } } = stage;
  const set = { "cluster-set-name": sites.setName(EAST) };
  await sites.lose(EAST);
  await sites.run(WEST, "promote-standby-cluster", { ...set, force: true });
  sites.revive();
  await lab.settleUntil("the lost site's servers", () => {
    return sites.units(EAST).every((unit) => lab.statusOf(unit).includes("reboot-cluster-from-complete-outage"));
  }, PATIENCE_MS);
  await sites.run(EAST, "reboot-cluster-from-complete-outage");
  await underWrites("a return", sites, async () => {
    await during("rejoin", stage, async (points) => {
      const name = { "cluster-name": sites.clusterName(EAST) };
      using _ = points?.arm();
      while (!isOver(await lab.model.run(sites.leader(WEST), "rejoin-cluster", name)));
      await sites.untilReplicating(EAST, patienceOf(stage));
    });
  });
}

/** The relation ends: the primary takes the replica out of the set, whichever side that is. */
async function part(stage: Stage): Promise<void> {
  const { sites, sites: { lab } } = stage;
  const primary = await primaryOf(sites);
  const replica = primary === EAST ? WEST : EAST;
  await during("part", stage, async (points) => {
    using _ = points?.arm();
    sites.unrelate();
    await lab.settleUntil("clusters of their own", () => {
      for (const unit of sites.units(replica)) assertEquals(lab.statusOf(unit), STANDALONE);
      return sites.allReady(primary);
    }, patienceOf(stage));
  });
  assert(await sites.writable(primary));
  assertEquals(await sites.writable(replica), undefined);
}

function patienceOf({ killing }: Stage): number {
  return killing?.aim.each === "request" ? EVERY_MS : PATIENCE_MS;
}

async function primaryOf(sites: Sites): Promise<string> {
  return (await sites.writable())?.split("/")[0] ?? fail("nobody takes writes");
}

/** Does a part, and tells at how many of its points something was killed. */
async function during(
  what: string,
  { sites: { lab }, killing }: Stage,
  work: (points?: KillPoints) => Promise<void>,
): Promise<void> {
  const points = killing && new KillPoints(lab, killing.logs, killing.aim);
  const from = lab.model.timeline.length;
  const began = performance.now();
  await work(points);
  const ms = Math.round(performance.now() - began);
  const kills = lab.model.timeline.slice(from).filter(({ outcome }) => outcome === "killed").length;
  console.log(`  ${what}: ${kills} kills, ${ms} ms`);
  for (const tally of points ? [points.statements, points.commands] : []) {
    console.log(`    ${inWords(tally)}`);
    assert(isEnough(tally), `${what}: too few kills`);
  }
}

/** What a server's log tells too late on a busy machine is past. */
function isEnough({ seen, hit }: Tally): boolean {
  return hit.size >= seen.size / 2;
}

/** Runs an action that is killed at a new point, and then again as an operator would. @returns whether there was one */
async function killedOnce(
  sites: Sites,
  points: KillPoints | undefined,
  app: string,
  action: string,
  params: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { model } = sites.lab;
  const run = () => model.run(sites.leader(app), action, params);
  {
    using _ = points?.arm();
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
