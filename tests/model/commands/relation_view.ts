/**
 * A relation as one hook sees it: membership fixed at the start, bags cached as contract 7.3 says.
 * Source: juju/juju internal/worker/uniter/runner/context/relation.go and cache.go.
 *
 * @module
 */
import type { Bag, RelationState, WorldState } from "../state.ts";
import { RunError } from "./definition.ts";

/** What the agent of a unit remembers between hooks: bags of remote units by relation id and unit name. */
export interface AgentMemory {
  readonly remoteBags: Map<number, Map<string, Bag>>;
}

/** A relation in one hook. */
export interface RelationView {
  readonly id: number;
  readonly endpoint: string;
  readonly key: string;
  readonly peer: boolean;
  /** The application on the other side; in a peer relation the own one. */
  readonly remoteApp: string;
  readonly remoteModelUuid: string;
  /** Remote units, sorted. */
  readonly members: readonly string[];
  /** Bags of members, kept across hooks. */
  readonly memberBags: Map<string, Bag>;
  /** Bags of units that are not members, kept for this hook. */
  readonly otherBags: Map<string, Bag>;
  readonly appBags: Map<string, Bag>;
  ownUnit?: Bag;
  ownApp?: Bag;
  /** Pending writes; an empty value deletes. */
  readonly unitWrites: Map<string, string>;
  readonly appWrites: Map<string, string>;
}

/** How a hook relates to one relation. */
export interface ViewOptions {
  /** Named by the hook: becomes a member and is read afresh. */
  readonly enters?: string | undefined;
  /** Named by a departed hook: is no member any more. */
  readonly leaves?: string | undefined;
  /** In relation-broken nobody is left. */
  readonly empty?: boolean;
}

/**
 * The application of a unit.
 *
 * @param unit such as `mysql/0`
 */
export function applicationOf(unit: string): string {
  return unit.split("/", 1)[0] ?? unit;
}

/**
 * Juju's key of a relation: `requirer:endpoint provider:endpoint`, or `app:endpoint` for peers.
 *
 * @param relation the relation
 */
export function relationKey(relation: RelationState): string {
  if (relation.key) return relation.key;
  const rank = { requires: 0, provides: 1, peers: 2 };
  return [...relation.sides]
    .sort((a, b) => rank[a.endpoint.role] - rank[b.endpoint.role])
    .map((side) => `${side.app}:${side.endpoint.name}`)
    .join(" ");
}

/**
 * The relation as the unit's new hook sees it, or undefined when the unit's application is not in it.
 *
 * @param world the model
 * @param unit the unit that runs the hook
 * @param relation the relation
 * @param memory bags that survive hooks
 * @param options the hook's own relation to it
 */
export function viewRelation(
  world: WorldState,
  unit: string,
  relation: RelationState,
  memory: AgentMemory,
  options: ViewOptions,
): RelationView | undefined {
  const app = applicationOf(unit);
  const own = relation.sides.find((side) => side.app === app);
  if (!own) return undefined;
  const peer = relation.sides.length === 1;
  const remoteApp = relation.sides.find((side) => side.app !== app)?.app ?? app;
  const together = own.endpoint.scope === "global" || peer
    ? () => true
    : (other: string) => world.units[other]?.machine === world.units[unit]?.machine;
  const members = new Set(relation.members.filter((member) => {
    return member !== unit && (peer || applicationOf(member) !== app) && together(member);
  }));
  if (options.enters !== undefined) members.add(options.enters);
  if (options.leaves !== undefined) members.delete(options.leaves);
  if (options.empty) members.clear();

  const memberBags = memory.remoteBags.get(relation.id) ?? new Map<string, Bag>();
  memory.remoteBags.set(relation.id, memberBags);
  for (const cached of [...memberBags.keys()]) {
    if (!members.has(cached) || cached === options.enters) memberBags.delete(cached);
  }
  return {
    id: relation.id,
    endpoint: own.endpoint.name,
    key: relationKey(relation),
    peer,
    remoteApp,
    remoteModelUuid: world.models[world.applications[remoteApp]?.model ?? ""]?.uuid ?? "",
    members: [...members].sort(),
    memberBags,
    otherBags: new Map(),
    appBags: new Map(),
    unitWrites: new Map(),
    appWrites: new Map(),
  };
}

/**
 * The own unit's bag with the hook's pending writes.
 *
 * @param world the model
 * @param view the relation
 * @param unit the own unit
 */
export function readOwnUnitBag(world: WorldState, view: RelationView, unit: string): Bag {
  view.ownUnit ??= { ...world.relations[view.id]?.unitBags[unit] };
  return overlay(view.ownUnit, view.unitWrites);
}

/**
 * The own application's bag with the hook's pending writes: the leader's view.
 *
 * @param world the model
 * @param view the relation
 * @param app the own application
 */
export function readOwnAppBag(world: WorldState, view: RelationView, app: string): Bag {
  view.ownApp ??= { ...world.relations[view.id]?.appBags[app] };
  return overlay(view.ownApp, view.appWrites);
}

/**
 * Another unit's bag. Members are answered from the cache that survives hooks.
 *
 * @param world the model
 * @param view the relation
 * @param unit name of the other unit
 * @throws {RunError} the unit has no bag, or its application is not in the relation
 */
export function readRemoteUnitBag(world: WorldState, view: RelationView, unit: string): Bag {
  const isMember = view.members.includes(unit);
  const cache = isMember ? view.memberBags : view.otherBags;
  const cached = cache.get(unit);
  if (cached) return cached;
  const relation = livingRelation(world, view);
  if (!relation.sides.some((side) => side.app === applicationOf(unit))) throw new RunError("permission denied");
  const bag = relation.unitBags[unit];
  if (!bag) {
    throw new RunError(
      `cannot read settings for unit "${unit}" in relation "${view.key}": unit "${unit}": settings not found`,
    );
  }
  cache.set(unit, { ...bag });
  return { ...bag };
}

/**
 * An application's committed bag, read once per hook. The own application's bag may be read by
 * non-leaders in peer relations only (contract 4.1).
 *
 * @param world the model
 * @param view the relation
 * @param app the application to read
 * @param ownApp the reader's application
 * @throws {RunError} the application is not in the relation, or its bag may not be read
 */
export function readRemoteAppBag(world: WorldState, view: RelationView, app: string, ownApp: string): Bag {
  const cached = view.appBags.get(app);
  if (cached) return cached;
  const relation = livingRelation(world, view);
  const isSide = relation.sides.some((side) => side.app === app);
  if (!isSide || (app === ownApp && !view.peer)) throw new RunError("permission denied");
  const bag = { ...relation.appBags[app] };
  view.appBags.set(app, bag);
  return bag;
}

function livingRelation(world: WorldState, view: RelationView): RelationState {
  const relation = world.relations[view.id];
  if (!relation) throw new RunError(`relation "${view.key}" not found`);
  return relation;
}

/**
 * A bag with writes applied.
 *
 * @param base committed content
 * @param writes new values; an empty one deletes its key
 */
export function overlay(base: Readonly<Bag>, writes: ReadonlyMap<string, string>): Bag {
  const bag = new Map(Object.entries(base));
  for (const [key, value] of writes) {
    if (value === "") bag.delete(key);
    else bag.set(key, value);
  }
  return Object.fromEntries(bag);
}
