/**
 * The simulated Juju that an event step describes.
 *
 * @module
 */
import type { CharmMetadata, Endpoint } from "../../hooks/charm/metadata.ts";
import type { DeferredEntry } from "../../hooks/deferral.ts";
import type { HookEvent, RelationEvent, RelationPhase } from "../../hooks/event.ts";
import { PEER_APP } from "../../interfaces/async_replication/keys.ts";
import { toBase64 } from "../model/commands/secret_content.ts";
import type { RelationState, SecretState, WorldState } from "../model/state.ts";
import type { EventRelation, EventState, EventStep } from "./trace_events_format.ts";
import { eventOf, traceWorld } from "./trace_world.ts";

/** The label under which the original finds the shared secret. Ours keeps its id in the peer databag instead. */
export const SHARED_LABEL = "async-secret";
const SECRET_ID = "secret-id";
const RELATIONS = {
  peers: { "database-peers": { interface: "mysql_peers" } },
  provides: { "async-primary": { interface: "async_replication" } },
  requires: { "async-replica": { interface: "async_replication" } },
};
/** Which handler of ours does what an observer of the original does. */
const HANDLERS: Readonly<Record<string, string>> = {
  _on_primary_created: "async-primary:created",
  _on_primary_relation_changed: "async-primary:changed",
  _on_replica_created: "async-replica:created",
  _on_replica_changed: "async-replica:changed",
};

/** The ids of a step's secrets, and those of the model, which takes only real ones. */
export class SecretIds {
  readonly #ids = new Map<string, string>();

  /** The model's URI for an id of the trace. */
  uri(traced: string): string {
    const known = this.#ids.get(traced);
    if (known !== undefined) return known;
    const uri = `secret:${"a".repeat(17)}${String(this.#ids.size).padStart(2, "0")}0`;
    this.#ids.set(traced, uri);
    return uri;
  }

  /** The trace's id for one of the model; what the trace cannot know was generated. */
  traced(uri: string): string {
    const [traced = "$GENERATED_SECRET_ID"] = [...this.#ids].find(([, each]) => each === uri) ?? [];
    return traced;
  }
}

/** A step's world. */
export interface EventWorld {
  readonly world: WorldState;
  readonly charm: CharmMetadata;
  readonly ids: SecretIds;
}

/** Builds the world before a step. */
export function eventWorld({ state, event }: EventStep, now: number): EventWorld {
  const ids = new SecretIds();
  const app = applicationOf(state.unit);
  const isAction = event.params !== undefined;
  const world = traceWorld({
    id: "",
    charm: { name: app, relations: RELATIONS },
    unit: state.unit,
    leader: state.leader,
    config: {},
    network: {},
    private_address: "",
    host_interfaces: {},
    steps: [],
  });
  const application = world.applications[app];
  const unit = world.units[state.unit];
  if (!application || !unit) throw new RangeError(`${state.unit} is no unit's name`);
  const spec = { name: event.name, description: "", params: {}, required: [], additionalProperties: true };
  const charm = { ...application.charm, actions: isAction ? { [event.name]: spec } : {} };
  application.charm = charm;
  application.leader = state.leader ? state.unit : `${app}/999`;
  application.status = { status: state.app_status[0], message: state.app_status[1], since: now };
  unit.status = { status: state.unit_status[0], message: state.unit_status[1], since: now };
  const names = Array.from({ length: state.planned_units }, (_, number) => `${app}/${number}`);
  unit.goalState = {
    units: Object.fromEntries(names.map((name) => [name, { status: "active", since: "" }])),
    relations: {},
  };
  world.now = now;
  world.relations = Object.fromEntries(
    state.relations.map((each) => [each.id, relationState(each, charm.endpoints, app, ids)]),
  );
  if (state.peer) {
    const shared = state.secrets.find(({ label, owner }) => label === SHARED_LABEL && owner === "app");
    const kept = shared ? { [PEER_APP.secretId]: ids.uri(shared.id) } : {};
    world.relations[state.peer.id] = {
      ...emptyRelation(state.peer.id),
      sides: [{ app, endpoint: endpointNamed(charm.endpoints, "database-peers") }],
      appBags: { [app]: { ...state.peer.app, ...kept } },
      unitBags: { [state.unit]: { ...state.peer.unit } },
    };
  }
  world.secrets = Object.fromEntries(secretsOf(state, ids).map((secret) => [secret.id, secret]));
  if (isAction) {
    const task = { id: "1", unit: state.unit, name: event.name, params: { ...event.params }, message: "", log: [] };
    world.actions = { 1: { ...task, status: "running", results: {} } };
  }
  return { world, charm, ids };
}

function emptyRelation(id: number): RelationState {
  return { id, life: "alive", sides: [], appBags: {}, unitBags: {}, members: [], versions: {} };
}

function relationState(
  { id, endpoint, remote_app, local_app_data, remote_app_data, remote_units = [] }: EventRelation,
  endpoints: readonly Endpoint[],
  app: string,
  ids: SecretIds,
): RelationState {
  const own = endpointNamed(endpoints, endpoint);
  const remote: Endpoint = { ...own, name: "remote", role: own.role === "provides" ? "requires" : "provides" };
  const real = (bag: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(bag).map(([key, value]) => [key, key === SECRET_ID ? ids.uri(value) : value]));
  const members = remote_units.map((number) => `${remote_app}/${number}`);
  return {
    ...emptyRelation(id),
    sides: [{ app, endpoint: own }, { app: remote_app, endpoint: remote }],
    appBags: { [app]: real(local_app_data), [remote_app]: real(remote_app_data) },
    unitBags: Object.fromEntries(members.map((name) => [name, {}])),
    members,
  };
}

/** Secrets of the other side are granted through the relation as replica. Who has answered has read them before. */
function secretsOf({ unit, secrets, relations }: EventState, ids: SecretIds): SecretState[] {
  const app = applicationOf(unit);
  const replica = relations.find(({ endpoint }) => endpoint === "async-replica") ?? relations[0];
  return secrets.map(({ id, label, owner, content }) => {
    const isOwn = owner !== null;
    const isKnown = !isOwn && (label !== null || Boolean(replica?.local_app_data.endpoint));
    return {
      id: ids.uri(id).slice("secret:".length),
      owner: isOwn ? app : replica?.remote_app ?? "elsewhere",
      label: isOwn ? label ?? "" : "",
      description: "",
      rotation: "",
      revisions: [{ revision: 1, content: encoded(content) }],
      grants: isOwn || !replica ? [] : [{ grantee: app, relationId: replica.id }],
      consumers: isKnown ? { [unit]: { revision: 1, label: "" } } : {},
    };
  });
}

function encoded(content: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, toBase64(value)]));
}

/** The hook of a step; undefined for actions. */
export function eventOfStep({ event, state }: EventStep, charm: CharmMetadata): HookEvent | undefined {
  if (event.params !== undefined) return undefined;
  const relation = state.relations.find(({ id }) => id === event.relation_id);
  const isUnitEvent = /-relation-(joined|changed|departed)$/.test(event.name);
  const [number] = relation?.remote_units ?? [];
  return eventOf({
    hook: event.name,
    env: {
      JUJU_RELATION_ID: String(event.relation_id ?? ""),
      JUJU_REMOTE_APP: relation?.remote_app ?? "",
      ...(isUnitEvent && number !== undefined ? { JUJU_REMOTE_UNIT: `${relation?.remote_app}/${number}` } : {}),
    },
    model: { relations: {} },
    expect: { exit: 0, flags: [], databag: {} },
  }, charm);
}

/** The entries of our handlers for the observers that the original has deferred. */
export function deferredEntries({ state }: EventStep, charm: CharmMetadata, now: number): DeferredEntry[] {
  return (state.deferred ?? []).map(({ observer }) => {
    const handler = HANDLERS[observer];
    if (handler === undefined) throw new RangeError(`no handler does what ${observer} does`);
    const [endpoint = "", phase = ""] = handler.split(":");
    const relation = state.relations.find((each) => each.endpoint === endpoint);
    const [number] = relation?.remote_units ?? [];
    const event: RelationEvent = {
      kind: "relation",
      name: `${endpoint}-relation-${phase}`,
      phase: phase as RelationPhase,
      endpoint: endpointNamed(charm.endpoints, endpoint),
      relationId: relation?.id ?? -1,
      remoteApp: relation?.remote_app ?? "",
      ...(phase === "changed" && number !== undefined ? { remoteUnit: `${relation?.remote_app}/${number}` } : {}),
    };
    return { handler, event, reason: "as the trace says", firstSeen: now, attempts: 1, due: now };
  });
}

/** The observer of the original for a deferred handler of ours. */
export function observerOf(handler: string): string {
  return Object.keys(HANDLERS).find((observer) => HANDLERS[observer] === handler) ?? handler;
}

function endpointNamed(endpoints: readonly Endpoint[], name: string): Endpoint {
  const endpoint = endpoints.find((each) => each.name === name);
  if (!endpoint) throw new RangeError(`the charm has no endpoint ${name}`);
  return endpoint;
}

/** The application of a unit. */
export function applicationOf(unit: string): string {
  return unit.slice(0, unit.lastIndexOf("/"));
}
