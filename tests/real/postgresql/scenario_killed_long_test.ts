/** Hooks of PostgreSQL's units that are killed, wherever they are, and run again. */
import { assertEquals } from "@std/assert";
import type { TimelineEntry } from "../../model/mod.ts";
import { killRelentlessly } from "../killed.ts";
import type { Lab } from "../units.ts";
import { APP, type Scene, underWrites, withPostgresql } from "./scenario.ts";

// Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
const sanitizeResources = false;
/** A hook that is killed at one point after the other needs as many retries. */
const RETRIES = 400;

/** What has to be the same however often hooks were killed; addresses by the rank of their unit. */
async function endOf(scene: Scene): Promise<unknown> {
  const { lab } = scene;
  const units = scene.units();
  const rank = (address: string) => units.findIndex((unit) => scene.addressOf(unit) === address);
  const shape = (bag: Readonly<Record<string, string>> = {}) =>
    Object.entries(bag).filter(([, value]) => value !== "").map(([key]) => key).sort();
  const { members } = await scene.view();
  return {
    statuses: units.map((unit) => `${unit} ${lab.statusOf(unit)}`),
    // Each once; their order is that in which the leader has seen them come.
    listed: scene.listed().map(rank).sort(),
    members: members.map(({ name, role }) => `${name} ${role}`).sort(),
    readOnly: scene.readOnlyEndpoints().split(",").map((endpoint) => rank(endpoint.split(":")[0] ?? "")).sort(),
    application: shape(scene.applicationBag()),
    unitBags: units.map((unit) => shape(scene.unitBag(unit))),
    secrets: Object.values(lab.model.world.secrets).map(({ owner, revisions }) => [
      owner,
      shape(revisions.at(-1)?.content),
    ]),
  };
}

/**
 * A life of units. Each hook is killed at the first thing that it sends, be it to the agent, to Patroni, PostgreSQL or etcd;
 * run again, at the second one, and so on until it comes through: that run has then been killed at each of them.
 */
async function lifeOf(kill: boolean): Promise<{ ends: unknown[]; kills: number }> {
  const ends: unknown[] = [];
  let kills = 0;
  using stack = new DisposableStack();
  const prepare = (lab: Lab) => void (kill && stack.use(killUnits(lab)));
  await withPostgresql(1, async (scene) => {
    ends.push(await endOf(scene));
    await underWrites(kill ? "1 to 3 units, every hook killed" : "1 to 3 units", scene, () => scene.grow(3));
    ends.push(await endOf(scene));
    await underWrites(
      kill ? "3 to 2 units, every hook killed" : "3 to 2 units",
      scene,
      () => scene.shrink([`${APP}/1`]),
    );
    ends.push(await endOf(scene));
    const { timeline } = scene.lab.model;
    kills = timeline.filter(({ outcome }) => outcome === "killed").length;
    if (kill) assertKilledEverywhere(timeline);
  }, { retries: RETRIES, prepare });
  return { ends, kills };
}

Deno.test({
  name: "postgresql: units whose every hook is killed again and again end as others do",
  sanitizeResources,
  async fn() {
    const undisturbed = await lifeOf(false);
    const killed = await lifeOf(true);
    assertEquals(undisturbed.kills, 0);
    assertEquals(killed.ends, undisturbed.ends);
    console.log(`${killed.kills} kills`);
  },
});

/** What tests do in the name of other applications is left alone. */
function killUnits(lab: Lab): Disposable {
  const killing = killRelentlessly(lab);
  const killed = lab.intercept;
  lab.intercept = (unit, command, name) =>
    unit.startsWith(`${APP}/`) ? killed?.(unit, command, name) ?? command : command;
  return killing;
}

/** Whatever came through was killed before, and the next attempt always one send later. */
function assertKilledEverywhere(timeline: readonly TimelineEntry[]): void {
  const ofUnits = timeline.filter(({ kind, unit }) => kind === "hook" && unit.startsWith(`${APP}/`));
  for (const [index, run] of ofUnits.entries()) {
    const before = ofUnits.slice(0, index).findLast(({ unit }) => unit === run.unit);
    if (run.outcome === "done") assertEquals([before?.name, before?.outcome], [run.name, "killed"], run.unit);
  }
}
