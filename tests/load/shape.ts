/**
 * Models of any size, and what Juju's contract makes of them.
 *
 * @module
 */

/**
 * Applications with their numbers of units. Services have peers, and each is related to each other one in both
 * directions; each worker is related to every fifth service, beginning at the one of its own number.
 */
export interface Shape {
  readonly services: readonly number[];
  readonly workers: readonly number[];
}

/** What there is in a model of a shape. */
export interface Size {
  readonly units: number;
  readonly applications: number;
  readonly relations: number;
  /** Units of each relation, summed up. */
  readonly memberships: number;
  /** Pairs of a unit and a remote unit of one of its relations. */
  readonly pairs: number;
}

/** One relation, by the applications' names; peers have no other side. */
export interface Link {
  readonly from: string;
  readonly to: string | undefined;
}

/** The least number of units that {@linkcode shapeOf} makes a model of. */
export const LEAST_UNITS = 10;

const UNITS_PER_APPLICATION = 10;
const LEAST_APPLICATIONS = 4;
/** Of applications, how many are workers. */
const WORKERS = 0.15;
/** One service in so many has three units, the others one. */
const TRIPLE_EVERY = 6;
/** One service in so many is used by a worker. */
const USED_EVERY = 5;

/**
 * The shape of a model: 200 units are 20 applications with 300 relations.
 *
 * @param units of all applications
 * @throws {RangeError} too few units
 */
export function shapeOf(units: number): Shape {
  if (!Number.isInteger(units) || units < LEAST_UNITS) {
    throw new RangeError(`no model of ${units} units: give a whole number from ${LEAST_UNITS}`);
  }
  const applications = Math.max(LEAST_APPLICATIONS, Math.round(units / UNITS_PER_APPLICATION));
  const count = Math.max(1, Math.floor(applications * WORKERS));
  const services = Array.from({ length: applications - count }, (_, number) => number % TRIPLE_EVERY === 0 ? 3 : 1);
  const left = units - sum(services);
  const workers = Array.from({ length: count }, (_, number) => Math.floor((left + number) / count));
  return { services, workers };
}

/** The applications of a shape, with their numbers of units. */
export function applicationsOf({ services, workers }: Shape): ReadonlyMap<string, number> {
  return new Map([
    ...services.map((units, number) => [`service${number}`, units] as const),
    ...workers.map((units, number) => [`worker${number}`, units] as const),
  ]);
}

/** The relations of a shape. */
export function linksOf(shape: Shape): Link[] {
  const names = [...applicationsOf(shape).keys()];
  const [services, workers] = [names.slice(0, shape.services.length), names.slice(shape.services.length)];
  return services.flatMap((from, at) => [
    { from, to: undefined },
    ...services.filter((to) => to !== from).map((to) => ({ from, to })),
    ...workers.filter((_, number) => at % USED_EVERY === number % USED_EVERY).map((to) => ({ from, to })),
  ]);
}

/** Counts what is in a model of this shape. */
export function sizeOf(shape: Shape): Size {
  const applications = applicationsOf(shape);
  const links = linksOf(shape).map(({ from, to }) => {
    const [here, there] = [applications.get(from) ?? 0, to === undefined ? undefined : applications.get(to) ?? 0];
    return there === undefined
      ? { memberships: here, pairs: here * (here - 1) }
      : { memberships: here + there, pairs: 2 * here * there };
  });
  return {
    units: sum([...applications.values()]),
    applications: applications.size,
    relations: links.length,
    memberships: sum(links.map(({ memberships }) => memberships)),
    pairs: sum(links.map(({ pairs }) => pairs)),
  };
}

/**
 * How many hooks Juju runs until the model is settled. Each unit has install, config-changed and start, each leader one
 * more; each membership begins with relation-created, each pair with relation-joined and relation-changed. Who comes
 * before the other has published is told once more, and so is everyone when a leader publishes.
 */
export function hooksOf({ units, applications, memberships, pairs }: Size): { least: number; most: number } {
  const least = 3 * units + applications + memberships + 2 * pairs;
  return { least, most: least + pairs + memberships };
}

/** The sum of numbers. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
