/**
 * Lives that a seed makes up, with kills in between: whatever happens, each unit sees an order that Juju could give.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Fault, Model, TimelineEntry } from "./mod.ts";
import { mulberry32, type Random } from "./scheduler.ts";
import { APP, DB, withModel } from "./test_charm.ts";

/** What an operator does next, as far as it is possible now. */
async function operate(model: Model, random: Random): Promise<void> {
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const units = Object.values(model.world.units).filter((unit) => unit.life === "alive");
  const unit = pick(units);
  const isRelated = Object.values(model.world.relations).some((relation) => relation.sides.length === 2);
  switch (Math.floor(random() * 7)) {
    case 0:
      return void await model.addUnit(random() < 0.5 ? "db" : "app");
    case 1:
      if (unit && units.length > 2) model.removeUnit(unit.name);
      return;
    case 2:
      return void (unit && model.setLeader(unit.name));
    case 3:
      return model.setConfig("db", { color: String(random()) });
    case 4:
      return model.updateStatus();
    case 5:
      if (!isRelated) model.relate("app", "db");
      else if (Object.values(model.world.relations).every((one) => one.life === "alive")) {
        model.removeRelation("app", "db");
      }
      return;
    default:
      return void (unit && model.setAddress(unit.name, `10.7.0.${Math.floor(random() * 250) + 1}`));
  }
}

/** Runs that the charm has seen to their end, of one unit. */
function endedRuns(model: Model, unit: string): TimelineEntry[] {
  return model.timeline.filter((entry) => entry.unit === unit && entry.outcome !== "killed");
}

/** Checks the order of contract 1.2, without looking at how the model makes it. */
function checkOrder(runs: readonly TimelineEntry[], seed: number): void {
  const names = runs.map((run) => run.name);
  const where = `seed ${seed}, ${runs[0]?.unit}: ${names.join(" ")}`;
  const first = (name: string) => names.indexOf(name);
  if (first("install") < 0) return assertEquals(names.filter((name) => !name.includes("-storage-")), [], where);
  for (const once of ["install", "start", "stop", "remove"]) {
    assert(names.filter((name) => name === once).length <= 1, `${once} twice: ${where}`);
  }
  if (first("start") >= 0) {
    const isEarly = (name: string) => /-relation-(joined|changed|departed)$/.test(name);
    assert(names.slice(0, first("start")).every((name) => !isEarly(name)), `relations before start: ${where}`);
    assert(first("config-changed") < first("start"), `no config-changed before start: ${where}`);
  }
  if (first("remove") >= 0) assertEquals(first("remove"), names.length - 1, where);
  for (const relation of new Set(runs.map((run) => run.relation).filter((name) => name !== ""))) {
    checkRelation(runs.filter((run) => run.relation === relation), `${relation} of ${where}`);
  }
}

function checkRelation(runs: readonly TimelineEntry[], where: string): void {
  const members = new Set<string>();
  runs.forEach((run, index) => {
    const phase = run.name.slice(run.name.lastIndexOf("-") + 1);
    assertEquals(phase === "created", index === 0, `created first and once, ${where}`);
    const before = runs[index - 1];
    const afterJoined = before?.name.endsWith("-joined") ? before.remoteUnit : undefined;
    if (afterJoined !== undefined) assertEquals([phase, run.remoteUnit], ["changed", afterJoined], where);
    if (phase === "joined") {
      assert(!members.has(run.remoteUnit), `${run.remoteUnit} joined twice, ${where}`);
      members.add(run.remoteUnit);
    } else if (phase === "departed") assert(members.delete(run.remoteUnit), `${run.remoteUnit} departed, ${where}`);
    else if (phase === "changed" && run.remoteUnit) assert(members.has(run.remoteUnit), `${run.remoteUnit}, ${where}`);
    else if (phase === "broken") {
      assert(!run.relation.startsWith("cluster"), `peers broken, ${where}`);
      assertEquals([members.size, index], [0, runs.length - 1], `broken last, ${where}`);
    }
  });
}

/**
 * Lives one life: operations and faults are made up, every unit's hooks are checked, and nothing is left at the end.
 *
 * @param seed the same seed gives the same life
 */
export async function liveRandomly(seed: number): Promise<void> {
  const random = mulberry32(seed);
  const faults: Fault[] = Array.from({ length: 8 }, () => ({
    unit: random() < 0.5 ? "db/0" : "app/0",
    occurrence: 1 + Math.floor(random() * 12),
    at: random() < 0.5 ? "before-commit" : "after-commit",
    do: random() < 0.8 ? "kill" : "lose-leadership",
  }));
  await withModel({ seed, faults, retries: 10 }, { db: DB, app: APP }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), units: 2 });
    await model.deploy({ name: "app", charm: directory("app") });
    for (let step = 0; step < 12; step++) {
      await operate(model, random);
      if (random() < 0.6) await model.settle();
    }
    await model.settle();
    for (const app of Object.values(model.world.applications)) {
      const alive = Object.values(model.world.units).filter((unit) => unit.app === app.name);
      assert(alive.length === 0 || alive.some((unit) => unit.name === app.leader), `${app.name} has no leader`);
    }
    for (const app of ["db", "app"]) model.removeApplication(app);
    await model.settle();
    const { units, applications, relations } = model.world;
    assertEquals([units, applications, relations], [{}, {}, {}]);
    for (const unit of new Set(model.timeline.map((entry) => entry.unit))) checkOrder(endedRuns(model, unit), seed);
  });
}
