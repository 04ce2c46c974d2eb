/**
 * Settling a model, checking that every unit has seen everything, and counting what that took.
 *
 * @module
 */
import { assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { quantile } from "../bench/stats.ts";
import type { Model, TimelineEntry } from "../model/mod.ts";
import { deployShape } from "./deployed.ts";
import { watchMemory } from "./memory.ts";
import { applicationsOf, hooksOf, linksOf, type Shape, type Size, sizeOf, sum } from "./shape.ts";

/** What a model of one size took until it was settled and every unit had reported. */
export interface Figures {
  readonly size: Size;
  readonly hooks: number;
  /** Hook commands of all hooks. */
  readonly commands: number;
  /** Bytes of all hook commands and their answers. */
  readonly bytes: number;
  /** The most hook commands of one hook, by its name without the endpoint; update-status reads everything. */
  readonly mostCommands: Readonly<Record<string, number>>;
  /** Peaks of the hooks' resident memory, in bytes: the middle one, and the greatest, which depends on the machine. */
  readonly hookMemory: { readonly median: number; readonly greatest: number };
  /** The model's data as JSON, in bytes: databags, states, statuses. */
  readonly modelBytes: number;
  /** Resident memory of the process that simulates Juju, in bytes. */
  readonly modelMemory: number;
  readonly ms: number;
}

/** Operations of an agent that run no hook: it accepts leadership. */
const OTHER_OPERATIONS = 1;

/**
 * Settles a model of a shape.
 *
 * @throws {AssertionError} a hook failed, ran without need, or a unit has not seen what it should have
 */
export async function settleShape(shape: Shape): Promise<Figures> {
  await using deployed = await deployShape(shape);
  const { model } = deployed;
  const size = sizeOf(shape);
  const { least, most } = hooksOf(size);
  using memory = watchMemory(model);
  const start = performance.now();
  await model.settle({ maxHooks: most + OTHER_OPERATIONS * size.units });
  assertGreaterOrEqual(model.timeline.length, least);
  assertLessOrEqual(model.timeline.length, most);
  await reportAll(model, size.units);
  const ms = performance.now() - start;
  checkSettled(model, shape);
  const runs = model.timeline;
  assertEquals(runs.filter(({ outcome }) => outcome !== "done"), []);
  return {
    size,
    hooks: runs.length,
    commands: sum(runs.map(({ commands }) => commands.length)),
    bytes: sum(runs.map(({ commands }) => sum(commands.map(({ bytes }) => bytes)))),
    mostCommands: mostCommands(runs),
    hookMemory: { median: quantile(memory.peaks(), 0.5), greatest: quantile(memory.peaks(), 1) },
    modelBytes: JSON.stringify(model.world).length,
    modelMemory: Deno.memoryUsage().rss,
    ms,
  };
}

/** Lets every unit report what it sees. */
export async function reportAll(model: Model, units: number): Promise<void> {
  model.updateStatus();
  await model.settle({ maxHooks: units });
}

/**
 * Checks that every unit sees every remote unit, and every application's leader, and that each relation-changed was
 * counted once.
 *
 * @throws {AssertionError} one does not
 */
export function checkSettled(model: Model, shape: Shape): void {
  const applications = applicationsOf(shape);
  for (const [app, own] of applications) {
    const remotes = linksOf(shape).filter(({ from, to }) => from === app || to === app)
      .map(({ from, to }) => to === undefined ? own - 1 : applications.get(from === app ? to : from) ?? 0);
    for (let number = 0; number < own; number++) {
      const unit = `${app}/${number}`;
      const message = `sees ${sum(remotes)} units and ${remotes.length} leaders`;
      assertEquals(model.world.units[unit]?.status.message, message, unit);
      assertEquals(countedOf(model, unit), changesOf(model, unit), unit);
    }
  }
}

/** How often a unit has counted a relation-changed. */
export function countedOf(model: Model, unit: string): number {
  const state = Object.entries(model.world.units[unit]?.state ?? {});
  const counts = state.filter(([key]) => key.startsWith("charmlet.stored."));
  return sum(counts.map(([, text]) => (JSON.parse(text) as { value: number }).value));
}

function changesOf(model: Model, unit: string): number {
  return model.timeline.filter((run) =>
    run.unit === unit && run.outcome === "done" && run.name.endsWith("-relation-changed")
  ).length;
}

function mostCommands(runs: readonly TimelineEntry[]): Record<string, number> {
  const most: Record<string, number> = {};
  for (const { name, commands } of runs) {
    const kind = name.replace(/^.*-(?=relation-)/, "");
    if (kind !== "update-status") most[kind] = Math.max(most[kind] ?? 0, commands.length);
  }
  return most;
}
