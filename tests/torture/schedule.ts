/**
 * Schedules: what operators, Juju and misfortune do to a world, one step after the other, made up by a seed.
 *
 * @module
 */
import type { ConfigValues, Fault } from "../model/mod.ts";
import { mulberry32, type Random } from "../model/scheduler.ts";
import type { World } from "./worlds.ts";

/** One step. A step that is not possible when its turn comes (the unit is gone) is left out. */
export type Step =
  /** Some hooks run, of whichever units. */
  | { readonly do: "hooks"; readonly count: number }
  | { readonly do: "add unit"; readonly app: string }
  | { readonly do: "remove unit" | "lead"; readonly unit: string }
  | { readonly do: "relate" | "unrelate"; readonly sides: readonly [string, string] }
  | { readonly do: "configure"; readonly app: string; readonly values: ConfigValues }
  | { readonly do: "move"; readonly unit: string; readonly address: string }
  | { readonly do: "update status" }
  /** Nobody can read the secrets of other applications, until they are handed over. */
  | { readonly do: "withhold secrets" | "hand over secrets" }
  /** Something goes wrong in a later run of a unit. */
  | { readonly do: "fault"; readonly fault: Fault };

/** A whole schedule: with its world, all that there is to repeat a run. */
export interface Schedule {
  /** Permutes what Juju leaves open. */
  readonly seed: number;
  readonly world: World;
  readonly steps: readonly Step[];
}

const MIN_STEPS = 10;
const MAX_STEPS = 20;
/** Most hooks that run between two steps. */
const MAX_HOOKS = 6;
/** A fault strikes at one of so many runs of its unit, and hook commands of that run. */
const MAX_RUN = 5;
const MAX_COMMAND = 16;

/** What the steps so far have made of a world. */
interface Standing {
  readonly units: Map<string, string[]>;
  readonly next: Map<string, number>;
  readonly related: Set<string>;
}

/**
 * Makes a schedule. The same seed gives the same one.
 *
 * @param seed any integer
 * @param world what it is for
 */
export function makeSchedule(seed: number, world: World): Schedule {
  const random = mulberry32(
    [...world.name].reduce((mixed, letter) => Math.imul(mixed, 31) + letter.charCodeAt(0), seed),
  );
  const standing: Standing = {
    units: new Map(world.apps.map(({ name, units }) => [name, numbered(name, units)])),
    next: new Map(world.apps.map(({ name, units }) => [name, units])),
    related: new Set(world.relations.map(spell)),
  };
  const count = MIN_STEPS + Math.floor(random() * (MAX_STEPS - MIN_STEPS + 1));
  const steps = Array.from({ length: count }, () => makeStep(world, standing, random));
  return { seed, world, steps: steps.filter((step) => step !== undefined) };
}

function makeStep(world: World, standing: Standing, random: Random): Step | undefined {
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const units = [...standing.units.values()].flat();
  const unit = pick(units);
  const app = pick(world.apps);
  if (unit === undefined || !app) return undefined;
  const chance = random();
  if (chance < 0.25) return { do: "hooks", count: 1 + Math.floor(random() * MAX_HOOKS) };
  if (world.withholds && chance < 0.30) return { do: random() < 0.5 ? "withhold secrets" : "hand over secrets" };
  if (chance < 0.55) return { do: "fault", fault: makeFault(unit, random) };
  if (chance < 0.65) return { do: "lead", unit };
  if (chance < 0.75) return configure(world, random);
  if (chance < 0.80) return { do: "update status" };
  if (chance < 0.84) {
    return world.moves ? { do: "move", unit, address: `10.9.0.${1 + Math.floor(random() * 250)}` } : undefined;
  }
  const relation = pick(world.relations);
  if (chance < 0.92 && relation) return toggle(standing, relation);
  return resize(standing, app, unit, random);
}

function makeFault(unit: string, random: Random): Fault {
  const occurrence = 1 + Math.floor(random() * MAX_RUN);
  const chance = random();
  const place = random();
  const command = 1 + Math.floor(random() * MAX_COMMAND);
  const when = random() < 0.5 ? "before" : "after";
  const what = chance < 0.6 ? "kill" : chance < 0.8 ? "lose-leadership" : chance < 0.9 ? "close" : "garbage";
  const mayBeAtCommit = what === "kill" || what === "lose-leadership";
  const at = mayBeAtCommit && place < 0.25
    ? "after-commit"
    : mayBeAtCommit && place < 0.4
    ? "before-commit"
    : { command, when } as const;
  return { unit, occurrence, at, do: what };
}

function configure({ options }: World, random: Random): Step | undefined {
  const option = options[Math.floor(random() * options.length)];
  if (!option) return undefined;
  const value = option.values[Math.floor(random() * option.values.length)];
  return value === undefined ? undefined : { do: "configure", app: option.app, values: { [option.name]: value } };
}

function toggle({ related }: Standing, sides: readonly [string, string]): Step {
  const key = spell(sides);
  if (related.delete(key)) return { do: "unrelate", sides };
  related.add(key);
  return { do: "relate", sides };
}

function resize(standing: Standing, app: World["apps"][number], unit: string, random: Random): Step | undefined {
  const units = standing.units.get(app.name) ?? [];
  if (units.length < app.most && random() < 0.5) {
    const number = standing.next.get(app.name) ?? 0;
    standing.next.set(app.name, number + 1);
    standing.units.set(app.name, [...units, `${app.name}/${number}`]);
    return { do: "add unit", app: app.name };
  }
  if (units.length <= app.least || !units.includes(unit)) return undefined;
  standing.units.set(app.name, units.filter((other) => other !== unit));
  return { do: "remove unit", unit };
}

function numbered(app: string, units: number): string[] {
  return Array.from({ length: units }, (_, number) => `${app}/${number}`);
}

function spell(sides: readonly [string, string]): string {
  return sides.join(" ");
}

/** Whether a step belongs to the undisturbed run too: what operators do, without misfortune and without hurry. */
export function isCalm(step: Step): boolean {
  return !["fault", "lead", "hooks", "withhold secrets", "hand over secrets"].includes(step.do);
}

/** A step in one line. */
export function inWords(step: Step): string {
  switch (step.do) {
    case "hooks":
      return `${step.count} hooks run`;
    case "add unit":
      return `add a unit of ${step.app}`;
    case "relate":
    case "unrelate":
      return `${step.do} ${step.sides.join(" ")}`;
    case "configure":
      return `configure ${step.app} ${JSON.stringify(step.values)}`;
    case "move":
      return `move ${step.unit} to ${step.address}`;
    case "fault": {
      const { unit, hook = "", occurrence, at, do: what } = step.fault;
      const place = typeof at === "string" ? at : `${at.when} hook command ${at.command}`;
      return `fault: ${JSON.stringify(what)} ${place} of run ${occurrence} of ${`${unit} ${hook}`.trim()} from here`;
    }
    case "update status":
    case "withhold secrets":
    case "hand over secrets":
      return step.do;
    default:
      return `${step.do} ${step.unit}`;
  }
}
