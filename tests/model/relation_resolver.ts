/**
 * Which hook of its relations a unit runs next.
 * Source: juju/juju internal/worker/uniter/relation/resolver.go; contract 1.2.
 *
 * @module
 */
import type { LocalRelation, LocalState, RelationHook } from "./local_state.ts";
import type { RelationState, UnitState, WorldState } from "./state.ts";

/**
 * `relation-created` for the first living relation that the unit does not know yet.
 *
 * @param world the model
 * @param unit the unit
 * @param local its agent's memory
 * @param order ids of the unit's relations, in the order in which they are looked at
 */
export function nextCreated(
  world: WorldState,
  unit: UnitState,
  local: LocalState,
  order: readonly number[],
): RelationHook | null {
  if (!local.installed || unit.life !== "alive") return null;
  for (const id of order) {
    const relation = world.relations[id];
    if (relation?.life === "alive" && !local.relations[id]) return relationHook(relation, unit, "relation-created");
  }
  return null;
}

/**
 * The next joined, changed, departed or broken hook of any relation.
 *
 * @param world the model
 * @param unit the unit
 * @param local its agent's memory
 * @param order ids of the unit's relations, in the order in which they are looked at
 */
export function nextRelationHook(
  world: WorldState,
  unit: UnitState,
  local: LocalState,
  order: readonly number[],
): RelationHook | null {
  for (const id of order) {
    const relation = world.relations[id];
    const known = local.relations[id];
    if (!relation || !known || known.broken) continue;
    const hook = nextOf(world, unit, relation, known);
    if (hook) return hook;
  }
  return null;
}

/**
 * Ids of the relations that a unit's application is in, ascending.
 *
 * @param world the model
 * @param app the application
 */
export function relationsOf(world: WorldState, app: string): number[] {
  return Object.values(world.relations)
    .filter((relation) => relation.sides.some((side) => side.app === app))
    .map((relation) => relation.id)
    .sort((a, b) => a - b);
}

/**
 * Units of the other side (or the peers) that are in the relation now, sorted.
 *
 * @param world the model
 * @param relation the relation
 * @param unit the unit that looks
 */
export function remoteMembers(world: WorldState, relation: RelationState, unit: UnitState): string[] {
  const isPeer = relation.sides.length === 1;
  const own = relation.sides.find((side) => side.app === unit.app);
  return relation.members.filter((name) => {
    const other = world.units[name];
    if (!other || name === unit.name || (!isPeer && other.app === unit.app)) return false;
    return isPeer || own?.endpoint.scope !== "container" || other.machine === unit.machine;
  }).sort();
}

/**
 * A relation as the unit's hooks spell it, such as `db:1`.
 *
 * @param world the model
 * @param unit the unit
 * @param id the relation
 */
export function relationEndpoint(world: WorldState, unit: string, id: number): string {
  const app = unit.split("/", 1)[0];
  return `${world.relations[id]?.sides.find((side) => side.app === app)?.endpoint.name ?? ""}:${id}`;
}

/**
 * The id of a relation as an operator writes it.
 *
 * @param world the model
 * @param app application that is in it
 * @param text `db:1` or the number
 * @returns undefined when the application is in no such relation
 */
export function findRelationId(world: WorldState, app: string, text: string | number): number | undefined {
  const id = Number(String(text).split(":").at(-1));
  return relationsOf(world, app).find((known) => known === id);
}

function nextOf(
  world: WorldState,
  unit: UnitState,
  relation: RelationState,
  known: LocalRelation,
): RelationHook | null {
  const isPeer = relation.sides.length === 1;
  const leaves = relation.life !== "alive" || unit.life !== "alive";
  const remote = new Set(leaves ? [] : remoteMembers(world, relation, unit));
  const version = (name: string) => relation.versions[name] ?? 0;
  const hook = (kind: RelationHook["kind"], remoteUnit: string) =>
    relationHook(relation, unit, kind, remoteUnit, version(remoteUnit));

  if (known.changedPending !== "") return hook("relation-changed", known.changedPending);
  const gone = Object.keys(known.members).sort().find((name) => !remote.has(name));
  if (gone !== undefined) {
    const ownSideDies = unit.life !== "alive" || world.applications[unit.app]?.life !== "alive";
    return { ...hook("relation-departed", gone), departingUnit: ownSideDies ? unit.name : gone };
  }
  if (leaves) return isPeer ? null : hook("relation-broken", "");
  const remoteApp = remoteAppOf(relation, unit.app);
  if (version(remoteApp) !== (known.appVersions[remoteApp] ?? 0)) {
    return relationHook(relation, unit, "relation-changed", "", version(remoteApp));
  }
  const sorted = [...remote].sort();
  const newcomer = sorted.find((name) => known.members[name] === undefined);
  if (newcomer !== undefined) return hook("relation-joined", newcomer);
  const changed = sorted.find((name) => known.members[name] !== version(name));
  return changed === undefined ? null : hook("relation-changed", changed);
}

function remoteAppOf(relation: RelationState, app: string): string {
  return relation.sides.find((side) => side.app !== app)?.app ?? app;
}

function relationHook(
  relation: RelationState,
  unit: UnitState,
  kind: RelationHook["kind"],
  remoteUnit = "",
  version = 0,
): RelationHook {
  const endpoint = relation.sides.find((side) => side.app === unit.app)?.endpoint.name ?? "";
  const remoteApp = remoteAppOf(relation, unit.app);
  return { kind, name: `${endpoint}-${kind}`, relationId: relation.id, remoteUnit, remoteApp, version };
}
