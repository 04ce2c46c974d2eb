/**
 * Agents that are slow, break off, or die.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Model } from "../model/mod.ts";
import { deployShape } from "./deployed.ts";
import { checkSettled, countedOf, reportAll } from "./settled.ts";
import { hooksOf, type Shape, sizeOf, sum } from "./shape.ts";

/** How long a slow agent takes for each hook command, in milliseconds. */
export const SLOW_COMMAND_MS = 200;

/** Few units, for every kind of hook. */
const FEW: Shape = { services: [2], workers: [1] };

/** What an agent was put through, and what came of it. */
export interface Survived {
  readonly hooks: number;
  readonly commands: number;
  /** Wall time, in milliseconds. */
  readonly ms: number;
}

/**
 * Settles a model whose agents are slow in every hook command.
 *
 * @throws {AssertionError} a hook failed, or a unit has not seen everything
 */
export async function surviveSlowAgents(): Promise<Survived> {
  const faults = [{ at: { command: "every", when: "before" }, do: { delayMs: SLOW_COMMAND_MS } }] as const;
  // Hooks wait here nearly all the time.
  await using deployed = await deployShape(FEW, { faults, concurrency: 8 });
  const { model } = deployed;
  const start = performance.now();
  await model.settle({ maxHooks: hooksOf(sizeOf(FEW)).most * 2 });
  await reportAll(model, sizeOf(FEW).units);
  const ms = performance.now() - start;
  checkSettled(model, FEW);
  const runs = model.timeline;
  assertEquals(runs.filter(({ outcome }) => outcome !== "done"), []);
  return { hooks: runs.length, commands: sum(runs.map(({ commands }) => commands.length)), ms };
}

/**
 * Lets the agent close the connection at each hook command of a hook, before it ran and after.
 *
 * @returns how often it did
 * @throws {AssertionError} the hook said something else than one clear line, left something, or its retry ended otherwise
 */
export async function surviveClosedConnections(): Promise<number> {
  await using deployed = await deployShape(FEW, { retries: 1 });
  const { model } = deployed;
  await model.settle();
  const undisturbed = await changeOnce(model, "nothing");
  assertEquals(undisturbed.map(({ outcome }) => outcome), ["done"]);
  const places = undisturbed[0]?.commands.length ?? 0;
  assert(places >= 3, `only ${places} hook commands`);
  for (let command = 1; command <= places; command++) {
    for (const when of ["before", "after"] as const) await closeOnce(model, { command, when });
  }
  await reportAll(model, sizeOf(FEW).units);
  checkSettled(model, FEW);
  return 2 * places;
}

const UNIT = "worker0/0";
const HOOK = "uses-relation-changed";

async function closeOnce(model: Model, at: { command: number; when: "before" | "after" }): Promise<void> {
  const counted = countedOf(model, UNIT);
  const logged = model.log(UNIT).length;
  model.addFault({ unit: UNIT, hook: HOOK, occurrence: 1, at, do: "close" });
  const [failed, again, ...more] = await changeOnce(model, `${at.when}-${at.command}`);
  assertEquals([failed?.outcome, again?.outcome, more.length], ["failed", "done", 0]);
  assertEquals([failed?.bags, failed?.state, failed?.immediate], [[], null, []]);
  const lines = model.log(UNIT).slice(logged).filter(({ level }) => level === "WARNING").map(({ message }) => message);
  assertEquals(lines.length, 1, lines.join("\n"));
  assertMatch(lines[0] ?? "", /^charmlet: uses-relation-changed: .*unit agent.*Juju will retry the hook$/);
  assertEquals(countedOf(model, UNIT), counted + 1);
}

/** Lets the service publish something new; returns the runs by which the worker learns of it. */
async function changeOnce(model: Model, value: string) {
  const from = model.timeline.length;
  const [id] = Object.values(model.world.relations)
    .filter(({ sides }) => sides.some(({ app }) => app === "worker0")).map((relation) => relation.id);
  const sent = await model.exec("service0/0", `relation-set -r ${id} news=${value}`);
  assertEquals([sent.code, sent.error], [0, ""], sent.stderr);
  await model.settle();
  return model.timeline.slice(from).filter(({ unit, name }) => unit === UNIT && name === HOOK);
}
