/**
 * The simulated Juju in which a case of a trace runs, brought to what a step's hook sees.
 *
 * @module
 */
import type { CharmMetadata, Endpoint, Role } from "../../hooks/charm/metadata.ts";
import type { HookEvent, LifecycleHook, RelationEvent, RelationPhase } from "../../hooks/event.ts";
import { LIFECYCLE_HOOKS } from "../../hooks/event.ts";
import { createHookRun, type HookRun } from "../model/hook_run.ts";
import type { RelationState, WorldState } from "../model/state.ts";
import {
  relationNumber,
  type TraceCase,
  type TraceContext,
  type TraceRelation,
  type TraceStep,
} from "./trace_format.ts";

const ROLES: readonly Role[] = ["peers", "provides", "requires"];
const OPPOSITE: Readonly<Record<Role, Role>> = { peers: "peers", provides: "requires", requires: "provides" };

/** What the charm of a case declares. */
export function charmOf({ charm }: TraceCase): CharmMetadata {
  const endpoints = ROLES.flatMap((role) =>
    Object.entries(charm.relations[role] ?? {}).map(([name, each]): Endpoint => (
      { name, role, interface: each.interface, scope: "global" }
    ))
  );
  return {
    name: charm.name,
    summary: "",
    subordinate: false,
    endpoints,
    storages: [],
    containers: [],
    config: {},
    actions: {},
  };
}

/** A model with the case's unit and no relation. */
export function traceWorld(each: TraceCase): WorldState {
  const idle = { status: "unknown", message: "", since: 0 };
  const app = applicationOf(each.unit);
  return {
    now: 0,
    models: { default: { name: "default", uuid: "f47ac10b-58cc-4372-a567-0e02b2c3d479" } },
    jujuVersion: "3.6.8",
    applications: {
      [app]: {
        name: app,
        life: "alive",
        charm: charmOf(each),
        charmSource: "",
        charmRevision: 0,
        config: {},
        leader: null,
        leaderSettings: {},
        status: { ...idle },
        version: "",
        nextUnit: 1,
        model: "default",
      },
    },
    units: {
      [each.unit]: {
        name: each.unit,
        app,
        life: "alive",
        machine: "0",
        address: "",
        networks: {},
        status: { ...idle },
        agentStatus: { ...idle },
        state: {},
        ports: [],
        storage: [],
        workloadVersion: "",
      },
    },
    relations: {},
    secrets: {},
    actions: {},
    nextRelation: 1_000,
    nextAction: 1,
    nextSecret: 1,
  };
}

/** Makes the model what the step says, and starts its hook. What the charm stored stays. */
export function beginStep(world: WorldState, context: TraceContext, step: TraceStep, event: HookEvent): HookRun {
  const unit = world.units[context.unit];
  const app = world.applications[applicationOf(context.unit)];
  if (!unit || !app) throw new RangeError(`${context.unit} is not in the model of its case`);
  app.leader = context.leader ? context.unit : `${app.name}/999`;
  app.config = { ...context.config };
  if (step.state_reset_before) unit.state = {};
  unit.networks = Object.fromEntries(
    [...Object.entries(context.network), ["", context.private_address] as const]
      .map(([binding, address]) => [binding, networkInfo(address)]),
  );
  world.relations = Object.fromEntries(
    Object.entries(step.model.relations).map(([id, relation]) => {
      const state = relationState(relationNumber(id), relation, app.name, app.charm.endpoints);
      return [state.id, state];
    }),
  );
  const isRelation = event.kind === "relation";
  return createHookRun(world, {
    unit: context.unit,
    kind: isRelation ? `relation-${event.phase}` : event.name,
    contextId: `${context.unit}-${event.name}-1`,
    ...(isRelation
      ? {
        relationId: event.relationId,
        remoteUnit: event.remoteUnit ?? "",
        remoteApp: event.remoteApp,
        departingUnit: event.departingUnit ?? "",
      }
      : {}),
  });
}

/** The own unit is left out of the members: entering the scope would make the model write addresses into its bag. */
function relationState(
  id: number,
  relation: TraceRelation,
  app: string,
  endpoints: readonly Endpoint[],
): RelationState {
  const own = endpoints.find(({ name }) => name === relation.endpoint);
  if (!own) throw new RangeError(`the charm has no endpoint ${relation.endpoint}`);
  const remote: Endpoint = { ...own, name: "remote", role: OPPOSITE[own.role] };
  const peers = own.role === "peers";
  return {
    id,
    life: "alive",
    sides: [{ app, endpoint: own }, ...(peers ? [] : [{ app: relation.app, endpoint: remote }])],
    appBags: { [app]: {}, [relation.app]: {} },
    unitBags: Object.fromEntries(Object.entries(relation.data).map(([unit, bag]) => [unit, { ...bag }])),
    members: [...relation.members],
    versions: {},
  };
}

function networkInfo(value: string) {
  return {
    "bind-addresses": [{ "interface-name": "eth0", addresses: [{ hostname: "", value, cidr: "" }] }],
    "egress-subnets": [`${value}/32`],
    "ingress-addresses": [value],
  };
}

/**
 * The event of a step.
 *
 * @throws {RangeError} a hook that is neither a lifecycle hook nor one of the charm's relations
 */
export function eventOf(step: TraceStep, charm: CharmMetadata): HookEvent {
  const hook = LIFECYCLE_HOOKS.find((name) => name === step.hook) as LifecycleHook | undefined;
  if (hook) return { kind: "lifecycle", name: hook, hook };
  const [, endpointName, phase] = /^(.+)-relation-(created|joined|changed|departed|broken)$/.exec(step.hook) ?? [];
  const endpoint = charm.endpoints.find(({ name }) => name === endpointName);
  if (!endpoint) throw new RangeError(`${step.hook} is no hook of the charm`);
  const env = step.env ?? {};
  const event: RelationEvent = {
    kind: "relation",
    name: step.hook,
    phase: phase as RelationPhase,
    endpoint,
    relationId: relationNumber(env.JUJU_RELATION_ID ?? ""),
    remoteApp: env.JUJU_REMOTE_APP || applicationOf(env.JUJU_REMOTE_UNIT ?? ""),
    ...(env.JUJU_REMOTE_UNIT ? { remoteUnit: env.JUJU_REMOTE_UNIT } : {}),
    ...(env.JUJU_DEPARTING_UNIT ? { departingUnit: env.JUJU_DEPARTING_UNIT } : {}),
  };
  return event;
}

function applicationOf(unit: string): string {
  return unit.slice(0, unit.lastIndexOf("/"));
}
