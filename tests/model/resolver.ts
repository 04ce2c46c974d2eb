/**
 * What a unit agent does next: a pure function of the model and of what the agent remembers.
 * Source: juju/juju internal/worker/uniter/resolver.go; contract 1.2.
 *
 * @module
 */
import { type Hook, type LocalState, plainHook } from "./local_state.ts";
import { nextCreated, nextRelationHook, relationsOf } from "./relation_resolver.ts";
import { nextSecretHook } from "./secret_resolver.ts";
import type { ApplicationState, UnitState, WorldState } from "./state.ts";

/** One thing that an agent does. */
export type Operation =
  | { readonly kind: "hook"; readonly hook: Hook }
  | { readonly kind: "action"; readonly id: string }
  | { readonly kind: "exec"; readonly id: number }
  | { readonly kind: "upgrade" }
  | { readonly kind: "accept-leadership" }
  | { readonly kind: "resign-leadership" }
  | { readonly kind: "die" };

/** Choices that Juju leaves open. */
export interface ResolverChoices {
  /** Puts the ids of a unit's relations in the order in which the agent looks at them; ascending by default. */
  readonly relationOrder?: (ids: readonly number[]) => readonly number[];
}

/**
 * The next operation of a unit's agent, or null when nothing is due.
 *
 * @param world the model
 * @param unitName the unit
 * @param local what its agent remembers
 * @param choices what Juju leaves open
 */
export function nextOperation(
  world: WorldState,
  unitName: string,
  local: LocalState,
  choices: ResolverChoices = {},
): Operation | null {
  const unit = world.units[unitName];
  const app = unit && world.applications[unit.app];
  if (!unit || !app || unit.life === "dead") return null;
  const isFree = local.queued === null && local.failed === null;
  if (local.removed || (unit.life === "dying" && !local.installed && isFree)) return { kind: "die" };
  const ids = relationsOf(world, unit.app);
  const order = choices.relationOrder?.(ids) ?? ids;

  if (isFree) {
    const created = nextCreated(world, unit, local, order);
    if (created) return run(created);
  }
  const leadership = nextLeadership(world, unit, app, local, isFree);
  if (leadership) return leadership;
  const workload = local.workload[0];
  if (isFree && local.installed && unit.life === "alive") {
    if (workload) return run(workload);
    const secret = nextSecretHook(world, unit, local);
    if (secret) return run(secret);
  }
  // Actions and juju-exec also run while a hook is in error, but not before a hook that is queued.
  if (local.installed && local.queued === null) {
    const action = Object.values(world.actions)
      .filter((task) => task.unit === unitName && task.status === "pending")
      .sort((a, b) => Number(a.id) - Number(b.id))[0];
    if (action) return { kind: "action", id: action.id };
    const request = local.exec[0];
    if (request) return { kind: "exec", id: request.id };
  }
  if (isFree) {
    const storage = nextStorage(unit, local);
    if (storage) return run(storage);
  }
  const again = local.failed ?? local.queued;
  if (local.failed && !local.retry) return null;
  if (again) return run(current(app, unit, local, again));
  return nextLifecycle(world, unit, app, local, order);
}

/**
 * What `config-changed` tells a unit about: a change of it makes the hook run.
 *
 * @param app the unit's application
 * @param unit the unit
 */
export function configSeen(app: ApplicationState, unit: UnitState): string {
  return canonical({ config: app.config, address: unit.address, networks: unit.networks });
}

/**
 * JSON with sorted keys at the top levels, so that equal maps give equal texts.
 *
 * @param value plain data
 */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => a < b ? -1 : 1));
  });
}

function run(hook: Hook): Operation {
  return { kind: "hook", hook };
}

/** A hook that waited is about what there is at its start, not at the time when it was queued or failed. */
function current(app: ApplicationState, unit: UnitState, local: LocalState, hook: Hook): Hook {
  if (hook.kind === "config-changed") return plainHook(hook.kind, configSeen(app, unit));
  if (hook.kind === "leader-settings-changed") return plainHook(hook.kind, canonical(app.leaderSettings));
  if (hook.kind === "update-status") return plainHook(hook.kind, String(local.updateStatusWanted));
  return hook;
}

function nextLeadership(
  world: WorldState,
  unit: UnitState,
  app: ApplicationState,
  local: LocalState,
  isFree: boolean,
): Operation | null {
  const leads = app.leader === unit.name && unit.life === "alive";
  if (local.leader && !leads) return { kind: "resign-leadership" };
  if (!isFree || !local.installed || unit.life !== "alive") return null;
  if (leads && !local.leader) return { kind: "accept-leadership" };
  if (!leads && Number.parseInt(world.jujuVersion) < 4) {
    const settings = canonical(app.leaderSettings);
    if (settings !== local.leaderSettingsSeen) return run(plainHook("leader-settings-changed", settings));
  }
  return null;
}

function nextStorage(unit: UnitState, local: LocalState): Hook | null {
  const kind = unit.life === "alive" ? "storage-attached" : "storage-detaching";
  const storage = unit.storage.map((item) => item.id).sort().find((id) =>
    unit.life === "alive"
      ? !local.storageAttached.includes(id)
      : local.storageAttached.includes(id) && !local.storageDetached.includes(id)
  );
  if (storage === undefined) return null;
  return { kind, name: `${storage.slice(0, storage.lastIndexOf("/"))}-${kind}`, storageId: storage };
}

function nextLifecycle(
  world: WorldState,
  unit: UnitState,
  app: ApplicationState,
  local: LocalState,
  order: readonly number[],
): Operation | null {
  if (unit.life !== "alive") {
    const relation = nextRelationHook(world, unit, local, order);
    if (relation) return run(relation);
    return run(plainHook(local.started ? "stop" : "remove"));
  }
  if (!local.installed) return run(plainHook("install"));
  if (local.charmRevision !== app.charmRevision) return { kind: "upgrade" };
  const config = configSeen(app, unit);
  if (config !== local.configSeen) return run(plainHook("config-changed", config));
  const relation = nextRelationHook(world, unit, local, order);
  if (relation) return run(relation);
  if (local.updateStatusWanted !== local.updateStatusSeen) {
    return run(plainHook("update-status", String(local.updateStatusWanted)));
  }
  return null;
}
