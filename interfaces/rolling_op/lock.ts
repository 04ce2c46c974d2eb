/**
 * Whose turn it is: a pure function of what the units asked for and what the leader has granted.
 *
 * @module
 */

/** A unit and its wish; undefined when it has none. */
export interface Wish {
  readonly unit: string;
  readonly state: "acquire" | "release" | undefined;
}

/** What the leader says to a unit. */
export type Grant = "granted" | "idle";

/**
 * What the leader has to write: a lock that was given back becomes idle, and the first unit that waits gets it when nobody
 * has it. Units that are gone lose it.
 *
 * @param wishes of all units that are there, by number
 * @param grants what the application's databag says now
 * @returns changes only; undefined takes a key away
 */
export function nextGrants(
  wishes: readonly Wish[],
  grants: ReadonlyMap<string, Grant>,
): ReadonlyMap<string, Grant | undefined> {
  const changes = new Map<string, Grant | undefined>();
  const present = new Set(wishes.map(({ unit }) => unit));
  for (const unit of grants.keys()) if (!present.has(unit)) changes.set(unit, undefined);
  for (const { unit, state } of wishes) {
    if (grants.get(unit) === "granted" && state !== "acquire") changes.set(unit, "idle");
  }
  const isHeld = wishes.some(({ unit }) => grants.get(unit) === "granted" && !changes.has(unit));
  const next = wishes.find(({ unit, state }) => state === "acquire" && grants.get(unit) !== "granted");
  if (!isHeld && next) changes.set(next.unit, "granted");
  return changes;
}
