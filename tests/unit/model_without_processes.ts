/**
 * A model without processes: every hook is committed at once.
 *
 * @module
 */
import type { CharmMetadata, Endpoint, Role } from "../../hooks/charm/metadata.ts";
import { commitHook, type Hook, type LocalState, newLocalState, plainHook } from "../model/local_state.ts";
import { nextOperation, type Operation, type ResolverChoices } from "../model/resolver.ts";
import type { RelationState, UnitState, WorldState } from "../model/state.ts";
import { addApplication, addRelation, addUnit, createWorld, enterRelations, removeUnit } from "../model/world.ts";

function endpoint(name: string, role: Role, scope: "global" | "container" = "global"): Endpoint {
  return { name, role, interface: role === "peers" ? `${name}-peers` : "sql", scope };
}

function charm(name: string, endpoints: Endpoint[], storages: string[] = []): CharmMetadata {
  const config = { color: { name: "color", type: "string", default: "red", description: "" } } as const;
  const empty = { summary: "", subordinate: false, containers: [], actions: {} };
  return { ...empty, name, endpoints, storages, config };
}

/** A charm with a peer, a provided and a storage endpoint. */
export const DB = charm("db", [endpoint("cluster", "peers"), endpoint("server", "provides")], ["data"]);
/** A charm that requires what {@linkcode DB} provides. */
export const APP = charm("app", [endpoint("database", "requires")]);

/** A world whose agents commit every hook at once, without processes. */
export class Bench {
  readonly world: WorldState;
  readonly locals = new Map<string, LocalState>();

  constructor(version = "3.6.8") {
    this.world = createWorld(version);
  }

  /** Adds an application with units; returns their names. */
  deploy(metadata: CharmMetadata, units: number): string[] {
    const { name } = metadata;
    addApplication(this.world, { name, charm: metadata, charmSource: "", config: {}, model: "default" });
    return Array.from({ length: units }, () => this.addUnit(name));
  }

  /** Adds a unit; the first one leads. */
  addUnit(name: string): string {
    const app = this.world.applications[name];
    if (!app) throw new Error(`no application ${name}`);
    const machine = String(this.locals.size);
    const unit = addUnit(this.world, app, { machine, address: `10.0.0.${machine}`, storageRoot: "/storage" });
    this.locals.set(unit.name, newLocalState(0));
    app.leader ??= unit.name;
    return unit.name;
  }

  /** A unit of the model. */
  unit(name: string): UnitState {
    const unit = this.world.units[name];
    if (!unit) throw new Error(`no unit ${name}`);
    return unit;
  }

  /** The memory of a unit's agent. */
  local(name: string): LocalState {
    const local = this.locals.get(name);
    if (!local) throw new Error(`no agent ${name}`);
    return local;
  }

  /** What is due for a unit. */
  next(unit: string, choices?: ResolverChoices): Operation | null {
    return nextOperation(this.world, unit, this.local(unit), choices);
  }

  /** Does what is due for a unit, once; returns it in short. */
  step(name: string, choices?: ResolverChoices): string | null {
    const operation = this.next(name, choices);
    if (!operation) return null;
    const local = this.local(name);
    if (operation.kind === "accept-leadership") {
      local.leader = true;
      local.queued = plainHook("leader-elected");
    } else if (operation.kind === "resign-leadership") local.leader = false;
    else if (operation.kind === "hook") {
      const { hook } = operation;
      if (hook.kind === "relation-created") enterRelations(this.world, this.unit(name));
      commitHook(local, hook);
      return spell(hook);
    } else if (operation.kind === "die") removeUnit(this.world, this.unit(name));
    return operation.kind;
  }

  /** Does everything that is due for a unit. */
  drain(name: string, choices?: ResolverChoices): string[] {
    const done: string[] = [];
    for (let step = this.step(name, choices); step !== null; step = this.step(name, choices)) done.push(step);
    return done;
  }

  /** Drains all units in turn until nobody has anything to do. */
  settle(): void {
    while ([...this.locals.keys()].some((name) => this.drain(name).length > 0)) continue;
  }
}

function spell(hook: Hook): string {
  if (!("relationId" in hook)) return hook.name;
  const departing = hook.departingUnit === undefined ? "" : ` (${hook.departingUnit})`;
  return `${hook.name} ${hook.remoteUnit || hook.remoteApp}${departing}`;
}

/** Two units of {@linkcode DB} related to one of {@linkcode APP}; nothing ran yet. */
export function related(version?: string): { bench: Bench; relation: RelationState } {
  const bench = new Bench(version);
  bench.deploy(DB, 2);
  bench.deploy(APP, 1);
  const relation = addRelation(bench.world, [
    { app: "db", endpoint: endpoint("server", "provides") },
    { app: "app", endpoint: endpoint("database", "requires") },
  ]);
  return { bench, relation };
}
