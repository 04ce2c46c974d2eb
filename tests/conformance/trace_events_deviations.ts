/**
 * Where our replication deliberately does better than the original. A deviation is about a step by what the step is
 * given, never by what it does. Where it can be told what the original would have done without its oddity, the
 * expectation is corrected to exactly that; else only the listed differences are allowed.
 *
 * @module
 */
import { isName, readAnswer, readOffer } from "../../interfaces/async_replication/keys.ts";
import { USERS } from "../../interfaces/async_replication/credentials.ts";
import type { EventCall, EventExpectation, EventRelation, EventStatus, EventStep } from "./trace_events_format.ts";
import type { Json } from "./trace_format.ts";

/** The condition of a deviation on a step. */
export type EventCondition = (step: EventStep) => boolean;

/** What the original would have done without an oddity. */
export type Correction = (step: EventStep, expect: EventExpectation) => EventExpectation;

const isEvent = ({ event }: EventStep, pattern: RegExp) => pattern.test(event.name);
const relationOf = ({ event, state }: EventStep): EventRelation | undefined =>
  state.relations.find(({ id }) => id === event.relation_id);
const scripts = (value: unknown, key: string) => typeof value === "object" && value !== null && key in value;
const cluster = ({ mysql }: EventStep) => mysql.is_cluster_replica;

const REPLICA_CHANGED = "async-replica-relation-changed";
const REMOVED = "removed-from-cluster-set";
const UNITS_ADDED = "units-added-to-cluster";
const REJOIN = "rejoin-secondaries";

/** The hook whose handler an observer is: `async-replica-relation-changed` of `_on_replica_changed`. */
function hookOf(observer: string): string {
  const [, side, phase] = /^_on_(primary|replica)(?:_relation)?_(created|changed)$/.exec(observer) ?? [];
  return `async-${side}-relation-${phase}`;
}

/** Whether the handlers of a hook run: in the hook, or later because they were deferred. */
function runs({ event, state }: EventStep, hook: string): boolean {
  return event.name === hook || (state.deferred ?? []).some(({ observer }) => hookOf(observer) === hook);
}

/** The relation that a replica's leader has yet to answer when it has changed. */
function unanswered(step: EventStep): EventRelation | undefined {
  const replica = step.state.relations.find(({ endpoint }) => endpoint === "async-replica");
  return step.state.leader && runs(step, REPLICA_CHANGED) && !replica?.local_app_data.endpoint ? replica : undefined;
}

/** The secret that it then reads. */
function remoteSecret(step: EventStep): Json | undefined {
  const id = unanswered(step)?.remote_app_data["secret-id"];
  return step.state.secrets.find((each) => each.id === id)?.content;
}

/** The leader of a replica whose units have not all joined again runs the handler of a change that was deferred. */
function recoversLater(step: EventStep): boolean {
  const replica = step.state.relations.find(({ endpoint }) => endpoint === "async-replica");
  return step.state.leader && !isEvent(step, /^async-replica-relation-/) && runs(step, REPLICA_CHANGED) &&
    replica?.remote_app_data["replica-state"] === "initialized";
}

const KNOWN_STATUSES: readonly unknown[] = ["ok", "ok_not_replicating", "invalidated", "unknown"];

/** Conditions by the names that deviations.json gives them. */
export const EVENT_CONDITIONS: Readonly<Record<string, EventCondition>> = {
  "a relation breaks": (step) => isEvent(step, /-relation-broken$/),
  "a replica's created or changed hook runs on the leader": (step) =>
    (step.state.leader && isEvent(step, /^async-replica-relation-(created|changed)$/)) || recoversLater(step),
  "the secret has keys of no known user": (step) =>
    Object.keys(remoteSecret(step) ?? {}).some((key) => !USERS.some((user) => user.key === key)),
  "the secret lacks passwords": (step) => {
    const content = remoteSecret(step);
    return content !== undefined && USERS.some(({ key }) => !(key in content));
  },
  "a relation breaks while its unit is in the cluster": (step) =>
    isEvent(step, /-relation-broken$/) && cluster(step) !== false && step.mysql.is_instance_in_cluster !== false,
  "fence, unfence or rejoin without leadership or role": (step) =>
    isEvent(step, /^(fence-writes|unfence-writes|rejoin-cluster)$/) &&
    (!step.state.leader || (step.event.name !== "rejoin-cluster" && (cluster(step) ?? null) === null)),
  "unfencing fails, or the cluster to rejoin is in no set": (step) =>
    step.event.name === "rejoin-cluster"
      ? !step.mysql.is_cluster_in_cluster_set
      : step.event.name === "unfence-writes" && scripts(step.mysql.unfence_writes, "$raise"),
  "a replica cluster has a rare status, or data without secret-id": (step) =>
    step.state.relations.some(({ endpoint, local_app_data: local, remote_app_data: remote }) =>
      endpoint === "async-primary" && local["is-replica"] !== "true" &&
      (local["secret-id"]
        ? Boolean(remote.endpoint) && !KNOWN_STATUSES.includes(step.mysql.get_replica_cluster_status ?? null)
        : Object.keys(local).length > 0)
    ),
  "the other side sent half of its keys, or values that cannot be used": (step) =>
    step.state.relations.some(({ endpoint, local_app_data: local, remote_app_data: remote }) => {
      if (endpoint === "async-primary") {
        const { clusterName, endpoint: address, nodeLabel } = readAnswer(remote);
        return Boolean(remote.endpoint) && [clusterName, address, nodeLabel].includes(undefined);
      }
      const { secretId, clusterName } = readOffer(remote);
      return Boolean(remote["secret-id"]) && !local.endpoint && [secretId, clusterName].includes(undefined);
    }),
  "a cluster that does not return to its set gives itself up": (step) =>
    remoteSecret(step) !== undefined && step.state.peer?.app[REJOIN] !== "true",
  "the cluster to rejoin is not invalidated": (step) =>
    step.event.name === "rejoin-cluster" && step.mysql.get_replica_cluster_status !== "invalidated",
  "the other side sent this cluster's own name": (step) =>
    isEvent(step, /^async-primary-relation-(changed|broken)$/) &&
    relationOf(step)?.remote_app_data["cluster-name"] === step.state.peer?.app["cluster-name"],
  "the cluster to rejoin has an impossible name": (step) =>
    step.event.name === "rejoin-cluster" && !isName(String(step.event.params?.["cluster-name"] ?? "")),
  "there is no peer relation, or it lacks the cluster's names": ({ state: { peer } }) =>
    !peer?.app["cluster-name"] || !peer.app["cluster-set-domain-name"],
  "a replica cluster is in the set, and was never told": (step) => {
    const { local_app_data: local = {}, remote_app_data: remote = {} } = relationOf(step) ?? {};
    const isAnswered = local["secret-id"] && remote.endpoint && remote["cluster-name"];
    return step.state.leader && isEvent(step, /^async-primary-relation-changed$/) && Boolean(isAnswered) &&
      local["is-replica"] !== "true" && !local["replica-state"] &&
      String(step.mysql.get_replica_cluster_status).startsWith("ok");
  },
  "the hook's own handler is deferred already": ({ event, state }) =>
    (state.deferred ?? []).some(({ observer }) => hookOf(observer) === event.name),
  "a primary cluster has no passwords or no version to share": (step) =>
    step.state.leader && runs(step, "async-primary-relation-created") && cluster(step) !== true &&
    (!step.mysql.get_mysql_version || !step.state.secrets.some(({ owner }) => owner !== null)),
  "a cluster gives itself up that was removed from another set": (step) =>
    remoteSecret(step) !== undefined && Boolean(step.state.peer?.app[REMOVED]),
  "a cluster that gives itself up has not said how many members it has": (step) =>
    unanswered(step) !== undefined && !step.state.peer?.app[UNITS_ADDED],
  "a relation breaks while another one is answered as a replica": ({ event, state }) =>
    event.name.endsWith("-relation-broken") &&
    state.relations.some(({ id, endpoint, local_app_data: local, remote_app_data: remote }) =>
      id !== event.relation_id && endpoint === "async-replica" &&
      (Boolean(local.endpoint) || remote["replica-state"] === "initialized")
    ),
  "a relation breaks while its cluster's members were told to join again": (step) =>
    isEvent(step, /-relation-broken$/) && Boolean(step.state.peer?.app[REJOIN]),
  "a replica counts no members": (step) =>
    step.state.leader && runs(step, REPLICA_CHANGED) && step.mysql.get_cluster_node_count === 0,
  "a replica's own passwords differ from the primary's": ({ state: { leader, relations, secrets } }) =>
    leader && relations.some(({ endpoint, local_app_data: local, remote_app_data: remote }) => {
      const theirs = secrets.find(({ id }) => id === remote["secret-id"])?.content ?? {};
      const isJoined = endpoint === "async-replica" && Boolean(local.endpoint);
      return isJoined &&
        secrets.some(({ owner, content }) => owner !== null && USERS.some(({ key }) => content[key] !== theirs[key]));
    }),
  "a replica cluster that is not ok is removed": (step) =>
    isEvent(step, /-relation-broken$/) && step.state.leader && step.mysql.get_replica_cluster_status === "not_ok",
  "the question for the instance's cluster fails while a relation breaks": (step) =>
    isEvent(step, /-relation-broken$/) && scripts(step.mysql.is_instance_in_cluster, "$raise"),
};

/** Corrections by deviation. A deviation that has one allows no further difference, unless it returns undefined. */
export const CORRECTIONS: Readonly<Record<string, Correction>> = {
  "ASYNC-1": once,
  "ASYNC-3": leaderOnly,
  "ASYNC-7": checkedTillTheEnd,
  "CHARMLET-ASYNC-DATA": lookedForData,
  "CHARMLET-ASYNC-REMOVED": (_, expect) =>
    expect.calls.some(({ method }) => method === "dissolve_cluster")
      ? withPeerApp(expect, { [REMOVED]: undefined })
      : expect,
  "CHARMLET-ASYNC-REJOINED": (_, expect) =>
    expect.peer?.app[REMOVED] === "true" && expect.peer.app[UNITS_ADDED] === undefined
      ? withPeerApp(expect, { [REJOIN]: undefined })
      : expect,
  "CHARMLET-ASYNC-COUNT": (_, expect) =>
    expect.peer?.app[UNITS_ADDED] === "0" ? withPeerApp(expect, { [UNITS_ADDED]: "1" }) : expect,
  "CHARMLET-ASYNC-NOT-OK": (_, expect) => ({
    ...expect,
    calls: expect.calls.map((call) =>
      call.method === "remove_replica_cluster" ? { ...call, kwargs: { force: true } } : call
    ),
  }),
  "CHARMLET-ASYNC-RESUME": (step, expect) => ({
    ...expect,
    relations: mapKey(expect.relations ?? {}, String(step.event.relation_id), (bag) => ({
      ...bag,
      "replica-state": "initialized",
    })),
  }),
};

/**
 * Deviations whose correction says all. It cannot be told what a second run of a handler decides with other answers,
 * nor what a hook would have left that another handler failed.
 */
export function isWhole(id: string, step: EventStep): boolean {
  if (!(id in CORRECTIONS)) return false;
  if (id === "CHARMLET-ASYNC-DATA") return JSON.stringify(step.mysql.get_non_system_databases) === "[]";
  if (id === "ASYNC-3" && recoversLater(step) && step.mysql.is_instance_in_cluster !== true) return false;
  if (id === "ASYNC-1") return !Object.values(step.mysql).some((value) => scripts(value, "$seq"));
  return id !== "ASYNC-3" || !scripts(step.mysql.is_instance_in_cluster, "$raise");
}

/** The broken handler runs once. What the second run repeats goes; where it decides otherwise, it cannot be told. */
function once(_: EventStep, expect: EventExpectation): EventExpectation {
  const isStart = ({ method }: EventCall) => method === "is_cluster_replica";
  const second = expect.calls.findIndex((call, index) => index > 0 && isStart(call));
  return {
    ...expect,
    calls: second < 0 ? expect.calls : expect.calls.slice(0, second),
    unit_status_history: firstHalf(expect.unit_status_history ?? []),
    app_status_history: firstHalf(expect.app_status_history ?? []),
  };
}

function firstHalf(history: readonly EventStatus[]): readonly EventStatus[] {
  const [left, right] = [history.slice(0, history.length / 2), history.slice(history.length / 2)];
  return JSON.stringify(left) === JSON.stringify(right) ? left : history;
}

const MEMBER_TEXTS = ["waiting replica cluster be configured", "waiting to join the cluster"];

/** The handlers of the other units do not run on the leader: neither their question, nor what they write. */
function leaderOnly(step: EventStep, expect: EventExpectation): EventExpectation {
  const { event, state } = step;
  const isChanged = event.name.endsWith("-changed");
  const history = (expect.unit_status_history ?? []).filter(([, text]) => !MEMBER_TEXTS.includes(text));
  const recovers = history.some(([, text]) => text === "Waiting for recovery to complete on other units");
  const before = state.peer?.unit ?? {};
  if (recovers) {
    // The leader of a replica that recovers asks that too: it may have to join like the others.
    const isIn = expect.peer?.unit["member-state"] === "online";
    const unit = isIn ? expect.peer?.unit : { ...expect.peer?.unit, "member-role": before["member-role"] };
    return {
      ...expect,
      calls: recoversLater(step) ? [...expect.calls, isInstanceInCluster(state.unit)] : expect.calls,
      unit_status_history: history,
      unit_status: history.at(-1) ?? state.unit_status,
      ...(expect.peer ? { peer: { ...expect.peer, unit: definedOnly(unit ?? {}) } } : {}),
    };
  }
  const asked = isChanged && expect.calls.at(-1)?.method === "is_instance_in_cluster";
  const { "unit-initialized": initialized, "member-state": memberState } = before;
  const unit = { ...expect.peer?.unit, "unit-initialized": initialized, "member-state": memberState };
  return {
    ...expect,
    calls: asked ? expect.calls.slice(0, -1) : expect.calls,
    unit_status_history: history,
    unit_status: history.at(-1) ?? state.unit_status,
    ...(expect.peer ? { peer: { ...expect.peer, unit: definedOnly(unit) } } : {}),
  };
}

const GIVEN_UP = "Replica cluster not dissolved after relation broken";

/** The original gives up after 290 s, and so without the check at 300 s. */
function checkedTillTheEnd(_: EventStep, expect: EventExpectation): EventExpectation {
  const isGivenUp = (expect.unit_status_history ?? []).some(([, text]) => text === GIVEN_UP);
  const sleep = expect.calls.find(({ target }) => target === "sleep");
  const last = expect.calls.at(-1);
  return isGivenUp && last && sleep ? { ...expect, calls: [...expect.calls, sleep, last] } : expect;
}

/** Before the passwords are taken, and once more when nobody can write any more. */
function lookedForData({ mysql }: EventStep, expect: EventExpectation): EventExpectation {
  const look: EventCall = { target: "mysql", method: "get_non_system_databases" };
  const first = expect.calls.findIndex(({ method }) => method === "update_user_password");
  if (first < 0) return expect;
  const calls = [...expect.calls.slice(0, first), look, ...expect.calls.slice(first)];
  const isDissolved = calls.at(-1)?.method === "dissolve_cluster" && !scripts(mysql.dissolve_cluster, "$raise");
  return { ...expect, calls: isDissolved ? [...calls, look] : calls };
}

function isInstanceInCluster(unit: string): EventCall {
  return { target: "mysql", method: "is_instance_in_cluster", args: [unit.replace("/", "-")] };
}

function withPeerApp(expect: EventExpectation, app: Readonly<Record<string, string | undefined>>): EventExpectation {
  return expect.peer
    ? { ...expect, peer: { ...expect.peer, app: definedOnly({ ...expect.peer.app, ...app }) } }
    : expect;
}

function definedOnly(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((each): each is [string, string] => each[1] !== undefined));
}

function mapKey<T>(record: Readonly<Record<string, T>>, key: string, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).map(([each, value]) => [each, each === key ? change(value) : value]),
  );
}
