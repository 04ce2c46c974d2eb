/**
 * The starting world of a conformance case: `setup` as a model and a hook in it.
 *
 * @module
 */
import { applicationOf } from "../model/commands/relation_view.ts";
import type { HookRunOptions } from "../model/hook_run.ts";
import type { ApplicationState, NetworkInfo, StatusInfo, UnitState, WorldState } from "../model/state.ts";
import {
  addApplication,
  addRelation,
  type Json,
  known,
  map,
  NOW,
  secretOf,
  strings,
  text,
} from "./hook_commands_parts.ts";

/** A model with the unit, and how its hook starts. */
export interface CaseWorld {
  readonly world: WorldState;
  readonly options: HookRunOptions;
}

/** Keys that stand for the same thing. */
function first(object: Json, ...keys: string[]): unknown {
  return keys.map((key) => object[key]).find((value) => value !== undefined);
}

// deno-fmt-ignore
const SETUP_KEYS: readonly string[] = [
  "unit", "leader", "hook", "relations", "config", "state", "leader_settings", "action", "status",
  "application_status", "network", "open_ports", "secrets", "storage", "goal_state", "juju_version",
  "address", "private_address", "public_address", "private-address", "public-address", "addresses",
  "resources", "cloud_spec", "credential", "credentials", "model_type", "workload_version", "payloads", "units",
];

/**
 * Builds the world of a case.
 *
 * @param setup the case's `setup`
 * @throws {SetupError} a key that has no meaning here
 */
export function buildWorld(setup: Json): CaseWorld {
  known(setup, "setup", SETUP_KEYS);
  const unit = text(setup.unit) || "u/0";
  const app = applicationOf(unit);
  const world: WorldState = {
    now: NOW,
    models: { default: { name: "default", uuid: "f47ac10b-58cc-4372-a567-0e02b2c3d479" } },
    jujuVersion: text(setup.juju_version) || "3.6.8",
    applications: {},
    units: {},
    relations: {},
    secrets: {},
    actions: {},
    nextRelation: 0,
    nextAction: 1,
    nextSecret: 0,
  };
  if (setup.model_type) Object.assign(world.models.default ?? {}, { type: text(setup.model_type) });
  const cloud = first(setup, "cloud_spec", "credential", "credentials");
  if (cloud !== undefined) world.cloudSpec = map(cloud, "cloud_spec");
  const own = addApplication(world, app);
  const self = addUnit(world, unit);
  own.leader = setup.leader === true ? unit : null;
  own.config = map(setup.config, "config") as ApplicationState["config"];
  own.leaderSettings = strings(map(setup.leader_settings, "leader_settings"));
  own.resources = Object.fromEntries(
    Object.entries(map(setup.resources, "resources")).map(([name, value]) => [name, resource(value)]),
  );
  fillUnit(self, setup);
  addOthers(world, app, setup);
  const hook = known(map(setup.hook, "hook"), "hook", [
    "relation_id",
    "remote_unit",
    "remote_app",
    "departing_unit",
    "storage_id",
    "kind",
  ]);
  for (const relation of (setup.relations ?? []) as Json[]) addRelation(world, unit, relation, hook);
  for (const [id, secret] of Object.entries(map(setup.secrets, "secrets"))) {
    world.secrets[id] = secretOf(unit, id, map(secret, "secret"));
  }
  const action = setup.action === undefined || setup.action === null ? undefined : map(setup.action, "action");
  if (action) addAction(world, unit, action);
  return {
    world,
    options: {
      unit,
      kind: text(hook.kind) || (action ? "action" : hook.departing_unit ? "relation-departed" : "update-status"),
      contextId: `${unit}-conformance-00000000000000000000000000000000`,
      relationId: (hook.relation_id ?? null) as number | null,
      remoteUnit: (hook.remote_unit ?? null) as string | null,
      remoteApp: (hook.remote_app ?? null) as string | null,
      departingUnit: (hook.departing_unit ?? null) as string | null,
      storageId: (hook.storage_id ?? null) as string | null,
      actionId: action ? "1" : null,
    },
  };
}

function resource(value: unknown): { path: string } | { error: string } {
  if (typeof value === "string") return { path: value };
  const { path, error } = known(map(value, "resource"), "resource", ["path", "error"]);
  return error === undefined ? { path: text(path) } : { error: text(error) };
}

function addUnit(world: WorldState, name: string): UnitState {
  return world.units[name] ??= {
    name,
    app: applicationOf(name),
    life: "alive",
    machine: String(Object.keys(world.units).length),
    address: "",
    networks: {},
    status: { status: "unknown", message: "", since: NOW },
    agentStatus: { status: "executing", message: "", since: NOW },
    state: {},
    ports: [],
    storage: [],
    workloadVersion: "",
  };
}

function status(value: unknown, what: string): StatusInfo {
  const info = known(map(value, what), what, ["status", "message", "data", "units"]);
  return { status: text(info.status), message: text(info.message), data: map(info.data, "status data"), since: NOW };
}

function fillUnit(self: UnitState, setup: Json): void {
  const addresses = map(setup.addresses, "addresses");
  known(addresses, "addresses", ["private", "public", "private-address", "public-address"]);
  const privateAddress = first(setup, "address", "private_address", "private-address");
  self.address = text(privateAddress ?? first(addresses, "private", "private-address"));
  const publicAddress = first(setup, "public_address", "public-address") ??
    first(addresses, "public", "public-address");
  if (publicAddress !== undefined) self.publicAddress = text(publicAddress);
  if (setup.status) self.status = status(setup.status, "status");
  self.state = strings(map(setup.state, "state"));
  self.ports = (setup.open_ports ?? []) as [string, string][];
  self.networks = map(setup.network, "network") as Record<string, NetworkInfo>;
  self.workloadVersion = text(setup.workload_version);
  self.storage = Object.entries(map(setup.storage, "storage")).map(([id, value]) => {
    const { kind = "block", location } = known(map(value, "storage"), "storage", ["kind", "location"]);
    return { id, kind: kind as "block" | "filesystem", location: text(location) };
  });
  if (setup.goal_state) self.goalState = setup.goal_state as Required<UnitState>["goalState"];
  if (setup.payloads) self.payloads = setup.payloads as Required<UnitState>["payloads"];
}

function addOthers(world: WorldState, app: string, setup: Json): void {
  for (const [name, value] of Object.entries(map(setup.units, "units"))) {
    const unit = known(map(value, "unit"), "unit", ["status", "open_ports", "machine"]);
    addApplication(world, applicationOf(name));
    const other = addUnit(world, name);
    if (unit.status) other.status = status(unit.status, "status");
    if (unit.open_ports) other.ports = unit.open_ports as [string, string][];
    if (unit.machine !== undefined) other.machine = text(unit.machine);
  }
  if (!setup.application_status) return;
  const info = map(setup.application_status, "application_status");
  addApplication(world, app).status = status(info, "application_status");
  for (const [name, value] of Object.entries(map(info.units, "units"))) {
    addUnit(world, name).status = status(value, "unit status");
  }
}

function addAction(world: WorldState, unit: string, action: Json): void {
  known(action, "action", ["params", "name"]);
  world.actions["1"] = {
    id: "1",
    unit,
    name: text(action.name) || "conformance",
    params: map(action.params, "params"),
    status: "running",
    message: "",
    results: {},
    log: [],
  };
}
