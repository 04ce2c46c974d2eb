/**
 * What can be seen of a world: the parts that hooks write, as plain data.
 *
 * @module
 */
import type { Bag, WorldState } from "../model/state.ts";

/** A unit. */
export interface UnitView {
  readonly app: string;
  readonly alive: boolean;
  readonly status: readonly [string, string];
  readonly state: Bag;
  readonly ports: readonly string[];
}

/** A relation. */
export interface RelationView {
  readonly alive: boolean;
  /** Such as `db:server`. */
  readonly sides: readonly string[];
  readonly interface: string;
  readonly members: readonly string[];
  readonly unitBags: Readonly<Record<string, Bag>>;
  readonly appBags: Readonly<Record<string, Bag>>;
}

/** A secret. Its content is decoded. */
export interface SecretView {
  readonly owner: string;
  readonly content: Bag;
  readonly grants: readonly string[];
}

/** Everything. */
export interface View {
  readonly units: Readonly<Record<string, UnitView>>;
  readonly relations: Readonly<Record<string, RelationView>>;
  readonly apps: Readonly<
    Record<string, { readonly leader: string | null; readonly status: readonly [string, string] }>
  >;
  readonly secrets: Readonly<Record<string, SecretView>>;
}

/** A copy of what can be seen now. */
export function look(world: WorldState): View {
  return {
    units: mapped(world.units, ({ app, life, status, state, ports }) => ({
      app,
      alive: life === "alive",
      status: [status.status, status.message],
      state: { ...state },
      ports: ports.map(([, range]) => range),
    })),
    relations: mapped(world.relations, ({ life, sides, members, unitBags, appBags }) => ({
      alive: life === "alive",
      sides: sides.map(({ app, endpoint }) => `${app}:${endpoint.name}`),
      interface: sides[0]?.endpoint.interface ?? "",
      members: [...members],
      unitBags: structuredClone(unitBags),
      appBags: structuredClone(appBags),
    })),
    apps: mapped(world.applications, ({ leader, status }) => ({ leader, status: [status.status, status.message] })),
    secrets: mapped(world.secrets, ({ owner, revisions, grants }) => ({
      owner,
      content: mapped(revisions.at(-1)?.content ?? {}, atob),
      grants: grants.map(({ grantee, relationId }) => `${grantee} ${relationId}`).sort(),
    })),
  };
}

/** A record with other values. */
export function mapped<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** A record without some of its entries. */
export function filtered<T>(
  record: Readonly<Record<string, T>>,
  keep: (key: string, value: T) => boolean,
): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key, value]) => keep(key, value)));
}
