/**
 * Changes that an operator or the controller makes to the model: applications, units, relations and their ends.
 * Source: juju/juju state; contract sections 1.2, 4.2, 4.3.
 *
 * @module
 */
import type { CharmMetadata } from "../../hooks/charm/metadata.ts";
import { checkConfig } from "./checker.ts";
import { addressSettings } from "./commands/network.ts";
import type { LocalState } from "./local_state.ts";
import { relationsOf } from "./relation_resolver.ts";
import { planRotations } from "./secret_resolver.ts";
import type { ApplicationState, RelationSide, RelationState, StorageState, UnitState, WorldState } from "./state.ts";

/** Model time at which every simulated model begins, so that runs are the same every day. */
const BEGIN = Date.UTC(2026, 0, 1);

/**
 * An empty model.
 *
 * @param jujuVersion such as `3.6.8`
 */
export function createWorld(jujuVersion: string): WorldState {
  return {
    now: BEGIN,
    models: {},
    jujuVersion,
    applications: {},
    units: {},
    relations: {},
    secrets: {},
    actions: {},
    nextRelation: 0,
    nextAction: 1,
    nextSecret: 1,
  };
}

/** What a new application is made of. */
export interface NewApplication {
  readonly name: string;
  readonly charm: CharmMetadata;
  readonly charmSource: string;
  readonly config: Readonly<Record<string, string | number | boolean | null>>;
  readonly model: string;
}

/**
 * Adds an application without units, with its peer relations.
 *
 * @param world the model
 * @param options what it is made of
 */
export function addApplication(world: WorldState, options: NewApplication): ApplicationState {
  const { name, charm, charmSource, model } = options;
  const models = Object.keys(world.models).length;
  world.models[model] ??= {
    name: model,
    uuid: `00000000-0000-4000-8000-${String(models + 1).padStart(12, "0")}`,
  };
  const defaults = Object.fromEntries(Object.keys(charm.config).map((option) => [option, null]));
  const app: ApplicationState = {
    name,
    life: "alive",
    charm,
    charmSource,
    charmRevision: 0,
    config: checkConfig(charm, { ...defaults, ...options.config }),
    leader: null,
    leaderSettings: {},
    status: { status: "unknown", message: "", since: world.now },
    version: "",
    nextUnit: 0,
    model,
  };
  world.applications[name] = app;
  addPeerRelations(world, app);
  return app;
}

/**
 * Gives an application its new charm: options keep their values where they still exist.
 *
 * @param world the model
 * @param app the application
 * @param charm its new charm
 * @param charmSource directory of the new charm
 */
export function changeCharm(world: WorldState, app: ApplicationState, charm: CharmMetadata, charmSource: string): void {
  const entries = Object.entries(charm.config).map(([name, option]) => {
    return [name, app.charm.config[name]?.type === option.type ? app.config[name] ?? null : null] as const;
  });
  app.config = checkConfig(charm, Object.fromEntries(entries));
  app.charm = charm;
  app.charmSource = charmSource;
  app.charmRevision++;
  addPeerRelations(world, app);
}

/** Where a new unit lives. */
export interface UnitPlace {
  readonly machine: string;
  readonly address: string;
  /** Directory that gets the unit's storage. */
  readonly storageRoot: string;
}

/**
 * Adds a unit. It enters its relations when its agent comes to them.
 *
 * @param world the model
 * @param app its application
 * @param place where it lives
 */
export function addUnit(world: WorldState, app: ApplicationState, place: UnitPlace): UnitState {
  const numbers = Object.values(world.units).flatMap((unit) => unit.storage)
    .map((storage) => Number(storage.id.slice(storage.id.lastIndexOf("/") + 1)));
  const first = Math.max(-1, ...numbers) + 1;
  const storage: StorageState[] = app.charm.storages.map((name, index) => {
    const id = `${name}/${first + index}`;
    return { id, kind: "filesystem", location: `${place.storageRoot}/${id}` };
  });
  const unit: UnitState = {
    name: `${app.name}/${app.nextUnit++}`,
    app: app.name,
    life: "alive",
    machine: place.machine,
    address: place.address,
    networks: {},
    status: { status: "waiting", message: "installing agent", since: world.now },
    agentStatus: { status: "allocating", message: "", since: world.now },
    state: {},
    ports: [],
    storage,
    workloadVersion: "",
  };
  world.units[unit.name] = unit;
  return unit;
}

/**
 * Adds a relation without members.
 *
 * @param world the model
 * @param sides one side for peers, two otherwise
 */
export function addRelation(world: WorldState, sides: readonly RelationSide[]): RelationState {
  const relation: RelationState = {
    id: world.nextRelation++,
    life: "alive",
    sides: [...sides],
    appBags: Object.fromEntries(sides.map((side) => [side.app, {}])),
    unitBags: {},
    members: [],
    versions: {},
  };
  world.relations[relation.id] = relation;
  return relation;
}

/**
 * Brings a unit into every living relation of its application, with its addresses in its bag before any
 * other unit sees it. Source: juju/juju internal/worker/uniter/relation, SynchronizeScopes; contract 4.3.
 *
 * @param world the model
 * @param unit the unit
 */
export function enterRelations(world: WorldState, unit: UnitState): void {
  for (const id of relationsOf(world, unit.app)) {
    const relation = world.relations[id];
    if (relation?.life !== "alive" || relation.members.includes(unit.name)) continue;
    const endpoint = relation.sides.find((side) => side.app === unit.app)?.endpoint.name ?? "";
    relation.unitBags[unit.name] = addressSettings(world, unit.name, endpoint);
    relation.versions[unit.name] = 1;
    relation.members = [...relation.members, unit.name].sort();
  }
}

/**
 * Takes a unit out of a relation's scope; its bag stays.
 *
 * @param relation the relation
 * @param unit the unit's name
 */
export function leaveRelation(relation: RelationState, unit: string): void {
  relation.members = relation.members.filter((member) => member !== unit);
}

/**
 * Starts the removal of a unit. Related units see it leave at once (juju/juju state/cleanup.go, cleanupDyingUnit).
 *
 * @param world the model
 * @param unit the unit
 */
export function destroyUnit(world: WorldState, unit: UnitState): void {
  unit.life = "dying";
  for (const relation of Object.values(world.relations)) leaveRelation(relation, unit.name);
  const app = world.applications[unit.app];
  if (app?.leader === unit.name) app.leader = null;
}

/**
 * Starts the removal of an application, its units and its relations.
 *
 * @param world the model
 * @param app the application
 */
export function destroyApplication(world: WorldState, app: ApplicationState): void {
  app.life = "dying";
  for (const unit of Object.values(world.units)) {
    if (unit.app === app.name && unit.life === "alive") destroyUnit(world, unit);
  }
  for (const id of relationsOf(world, app.name)) {
    const relation = world.relations[id];
    if (relation && relation.sides.length > 1) relation.life = "dying";
  }
}

/**
 * Removes a unit whose agent is done.
 *
 * @param world the model
 * @param unit the unit
 */
export function removeUnit(world: WorldState, unit: UnitState): void {
  unit.life = "dead";
  delete world.units[unit.name];
  for (const relation of Object.values(world.relations)) leaveRelation(relation, unit.name);
  for (const task of Object.values(world.actions)) {
    if (task.unit === unit.name && task.status === "pending") {
      task.status = "aborted";
      task.message = "unit is gone";
    }
  }
  for (const secret of Object.values(world.secrets)) {
    delete secret.consumers[unit.name];
    if (secret.owner === unit.name) delete world.secrets[secret.id];
  }
}

/**
 * What the controller does by itself: elects leaders, and removes relations and applications that nobody is in.
 *
 * @param world the model
 * @param locals memory of every unit's agent
 * @param pick chooses the leader among the living units of an application
 */
export function reconcile(
  world: WorldState,
  locals: ReadonlyMap<string, LocalState>,
  pick: (candidates: readonly string[]) => string | undefined,
): void {
  for (const relation of Object.values(world.relations).filter(({ life }) => life === "dying")) {
    const held = [...locals].some(([name, local]) =>
      world.units[name] && local.relations[relation.id]?.broken === false
    );
    if (!held) removeRelation(world, relation);
  }
  for (const app of Object.values(world.applications)) {
    const units = Object.values(world.units).filter((unit) => unit.app === app.name);
    if (app.life === "alive") {
      const candidates = units.filter((unit) => unit.life === "alive").map((unit) => unit.name);
      app.leader ??= pick(candidates) ?? null;
    } else if (units.length === 0) removeApplication(world, app);
  }
  planRotations(world);
}

function addPeerRelations(world: WorldState, app: ApplicationState): void {
  for (const endpoint of app.charm.endpoints) {
    const exists = Object.values(world.relations).some((relation) =>
      relation.sides.length === 1 && relation.sides[0]?.app === app.name &&
      relation.sides[0].endpoint.name === endpoint.name
    );
    if (endpoint.role === "peers" && !exists) addRelation(world, [{ app: app.name, endpoint }]);
  }
}

function removeRelation(world: WorldState, relation: RelationState): void {
  delete world.relations[relation.id];
  for (const secret of Object.values(world.secrets)) {
    secret.grants = secret.grants.filter((grant) => grant.relationId !== relation.id);
  }
}

function removeApplication(world: WorldState, app: ApplicationState): void {
  const relations = relationsOf(world, app.name).map((id) => world.relations[id]).filter((one) => one !== undefined);
  if (relations.some((relation) => relation.sides.length > 1)) return;
  for (const relation of relations) removeRelation(world, relation);
  for (const secret of Object.values(world.secrets)) {
    if (secret.owner === app.name) delete world.secrets[secret.id];
  }
  delete world.applications[app.name];
}
