/**
 * One schedule: run it, run it without misfortune, compare, and shorten it when something does not hold.
 *
 * @module
 */
import { executableOf } from "../model/built_charm.ts";
import { breaches } from "./invariants.ts";
import { type Life, type LifeOptions, live } from "./life.ts";
import { inWords, isCalm, makeSchedule, type Schedule, type Step } from "./schedule.ts";
import { shrink } from "./shrink.ts";
import type { World } from "./worlds.ts";

/** What was done, in numbers. */
export interface Figures {
  readonly schedules: number;
  readonly hooks: number;
  readonly commands: number;
  readonly kills: number;
  /** Changes of the leader. */
  readonly flips: number;
  /** Hooks that failed, or that Juju refused. */
  readonly failures: number;
  /** Schedules that ended otherwise than without faults. */
  readonly differing: number;
  /** Hook, place and fault of everything that struck. */
  readonly points: ReadonlySet<string>;
}

/** What came of a schedule. */
export interface Verdict {
  readonly figures: Figures;
  /** What does not hold, by the invariant's name. */
  readonly broken: ReadonlyMap<string, readonly string[]>;
}

/** A breach with the shortest schedule that has it. */
export interface Finding {
  readonly invariant: string;
  readonly places: readonly string[];
  readonly steps: readonly Step[];
}

/** Compiles the executable of all worlds, and the program behind the hook commands. */
export async function compileAll(): Promise<LifeOptions> {
  return {
    executable: await executableOf("tests/torture/charm.ts", "torture"),
    tool: await executableOf("tests/model/hook_tool.ts", "jujuc"),
  };
}

/** Nothing done yet. */
export const NOTHING: Figures = {
  schedules: 0,
  hooks: 0,
  commands: 0,
  kills: 0,
  flips: 0,
  failures: 0,
  differing: 0,
  points: new Set(),
};

/** Schedules that run at the same time. */
const LANES = 2;
/** Most schedules that are tried to find a shorter one. */
const PATIENCE = 80;

/**
 * Runs a schedule twice and compares.
 *
 * @param calms runs without faults that are known already, by what operators do in them
 */
export async function torture(
  schedule: Schedule,
  options: LifeOptions,
  calms: Map<string, Life> = new Map(),
): Promise<Verdict> {
  const { world, steps } = schedule;
  const wild = await live(schedule, options);
  const key = JSON.stringify(steps.filter(isCalm));
  const { spoil: _, ...unspoilt } = options;
  const calm = calms.get(key) ?? await live(schedule, { ...unspoilt, calm: true });
  calms.set(key, calm);
  const broken = breaches({ world, calm, wild });
  return { figures: count(schedule, wild, broken), broken };
}

/**
 * Shortens a schedule in which an invariant does not hold.
 *
 * @param calms as in {@linkcode torture}
 */
export async function shorten(
  schedule: Schedule,
  invariant: string,
  options: LifeOptions,
  calms: Map<string, Life> = new Map(),
): Promise<Finding> {
  const known = new Map<string, readonly string[]>();
  const placesIn = async (steps: readonly Step[]) => {
    const key = JSON.stringify(steps);
    const places = known.get(key) ?? (await torture({ ...schedule, steps }, options, calms)).broken.get(invariant) ??
      [];
    known.set(key, places);
    return places;
  };
  const steps = await shrink(schedule.steps, async (each) => (await placesIn(each)).length > 0, PATIENCE);
  return { invariant, places: await placesIn(steps), steps };
}

/**
 * Tortures worlds, each by a seed, two at a time, and shortens what broke.
 *
 * @param work seeds with their worlds
 * @param report told what came of each
 * @param hurry told at once what does not hold, because shortening takes long
 */
export async function tortureAll(
  work: Iterable<readonly [seed: number, world: World]>,
  options: LifeOptions,
  report: (seed: number, world: World, figures: Figures, findings: readonly Finding[]) => void,
  hurry: (text: string) => void,
): Promise<void> {
  const queue = work[Symbol.iterator]();
  const lane = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const [seed, world] = next.value;
      const schedule = makeSchedule(seed, world);
      const { figures, broken } = await torture(schedule, options);
      const findings: Finding[] = [];
      for (const invariant of broken.keys()) {
        hurry(`seed ${seed}, ${world.name}: ${invariant}: does not hold; looking for the shortest schedule`);
        findings.push(await shorten(schedule, invariant, options));
      }
      report(seed, world, figures, findings);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** A finding for people, with how to repeat it. */
export function explain(seed: number, world: World, { invariant, places, steps }: Finding): string {
  return [
    `seed ${seed}, ${world.name}: ${invariant}: does not hold`,
    ...places.slice(0, 5).map((place) => `  ${place}`),
    "  shortest schedule:",
    ...steps.map((step) => `    ${inWords(step)}`),
    `  repeat it: build/deno task torture -- --seed ${seed} --world ${world.name}`,
  ].join("\n");
}

/** Both together. */
export function sum(a: Figures, b: Figures): Figures {
  return {
    schedules: a.schedules + b.schedules,
    hooks: a.hooks + b.hooks,
    commands: a.commands + b.commands,
    kills: a.kills + b.kills,
    flips: a.flips + b.flips,
    failures: a.failures + b.failures,
    differing: a.differing + b.differing,
    points: a.points.union(b.points),
  };
}

function count({ steps }: Schedule, { moments }: Life, broken: ReadonlyMap<string, unknown>): Figures {
  const runs = moments.map(({ entry }) => entry);
  const struck = runs.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`));
  const led = steps.filter((step) => !isCalm(step) && step.do === "lead").length;
  return {
    schedules: 1,
    hooks: runs.length,
    commands: runs.reduce((total, { commands }) => total + commands.length, 0),
    kills: runs.filter(({ outcome }) => outcome === "killed").length,
    flips: led + struck.filter((fault) => fault.includes("lose-leadership")).length,
    failures: runs.filter(({ outcome }) => outcome === "failed" || outcome === "refused").length,
    differing: broken.size > 0 ? 1 : 0,
    points: new Set(struck),
  };
}
