/**
 * What Patroni says about clusters and members, the same for its versions 3 and 4.
 *
 * @module
 */
import { ReplyError } from "../errors.ts";
import { isObject, type JsonObject } from "../http/json.ts";
import { host, memberName, objects, optional, port, shortText, url, wholeNumber } from "./fields.ts";

/** The state of a member's PostgreSQL. */
export type MemberState =
  | "running"
  | "streaming"
  | "in archive recovery"
  | "creating replica"
  | "starting"
  | "stopping"
  | "stopped"
  | "restarting"
  | "initializing"
  | "crashed"
  | "start failed"
  | "stop failed"
  | "restart failed"
  | "unknown";

/** A member's place in the cluster; version 2's `master` is `leader`. */
export type MemberRole = "leader" | "standby_leader" | "sync_standby" | "quorum_standby" | "replica" | "unknown";

/** What a member's own PostgreSQL is; version 3's `master` is `primary`. */
export type InstanceRole = "primary" | "standby_leader" | "replica" | "uninitialized" | "unknown";

/** One member as the cluster's store has it, which may be as old as its time to live. */
export interface ClusterMember {
  readonly name: string;
  readonly role: MemberRole;
  readonly state: MemberState;
  readonly host?: string;
  readonly port?: number;
  readonly apiUrl?: string;
  readonly timeline?: number;
  /** Bytes behind the leader; absent at the leader. */
  readonly lag?: number | "unknown";
  readonly pendingRestart: boolean;
}

/** `GET /cluster`. */
export interface ClusterView {
  /** In Patroni's order; no name occurs twice. */
  readonly members: readonly ClusterMember[];
  readonly paused: boolean;
  readonly scheduledSwitchover: boolean;
}

/** A member that receives from the one that was asked. */
export interface ReplicationPeer {
  readonly name: string;
  readonly address?: string;
  readonly state: string;
  /** `sync`, `async`, `quorum` or `potential`. */
  readonly syncState: string;
}

/** `GET /patroni` and `GET /health` of one member. */
export interface InstanceStatus {
  readonly running: boolean;
  readonly state: MemberState;
  readonly role: InstanceRole;
  readonly timeline?: number;
  /** Such as 150018 for 15.18. */
  readonly serverVersion?: number;
  readonly syncStandby: boolean;
  readonly pendingRestart: boolean;
  readonly paused: boolean;
  readonly failsafeActive: boolean;
  /** The system identifier that `initdb` made. */
  readonly systemId?: string;
  readonly replication: readonly ReplicationPeer[];
  readonly patroniVersion?: string;
  readonly scope?: string;
  /** Milliseconds since 1970, by the member's clock. */
  readonly lastSeenDcs?: number;
  /** How old the member's view of the store is, in milliseconds and by the member's own clock, to the second. */
  readonly stalenessMs?: number;
}

/** One change of the timeline. */
export interface HistoryEntry {
  /** The timeline that ended. */
  readonly timeline: number;
  /** Where it ended, as a number of bytes. */
  readonly lsn: number;
  readonly reason: string;
  readonly at?: string;
  /** The leader from then on. */
  readonly leader?: string;
}

const MAX_MEMBERS = 1000;
const MAX_HISTORY = 100_000;

/** Patroni's words for states that differ from ours, or that we do not tell apart. */
const STATES: Readonly<Record<string, MemberState>> = {
  "running": "running",
  "streaming": "streaming",
  "in archive recovery": "in archive recovery",
  "creating replica": "creating replica",
  "starting": "starting",
  "stopping": "stopping",
  "stopped": "stopped",
  "restarting": "restarting",
  "crashed": "crashed",
  "start failed": "start failed",
  "stop failed": "stop failed",
  "restart failed": "restart failed",
  "initializing new cluster": "initializing",
  "running custom bootstrap script": "initializing",
  "starting after custom bootstrap": "initializing",
  "initdb failed": "start failed",
  "custom bootstrap failed": "start failed",
};

const ROLES: Readonly<Record<string, MemberRole>> = {
  leader: "leader",
  master: "leader",
  primary: "leader",
  standby_leader: "standby_leader",
  sync_standby: "sync_standby",
  quorum_standby: "quorum_standby",
  replica: "replica",
};

const INSTANCE_ROLES: Readonly<Record<string, InstanceRole>> = {
  master: "primary",
  primary: "primary",
  standby_leader: "standby_leader",
  replica: "replica",
  uninitialized: "uninitialized",
};

/** Whether a member with this state can serve: a starting, copying or stopped one cannot. */
export function isReady(state: MemberState): boolean {
  return state === "running" || state === "streaming";
}

/** Whether the member holds the leader's place. */
export function leads(role: MemberRole): boolean {
  return role === "leader" || role === "standby_leader";
}

/** Whether a member has not spoken to the store for longer than a limit in milliseconds, or never. */
export function isStale({ stalenessMs }: InstanceStatus, limitMs: number): boolean {
  return stalenessMs === undefined || stalenessMs > limitMs;
}

/** @throws {ReplyError} when the reply is no list of members with proper, different names */
export function readCluster(reply: JsonObject): ClusterView {
  if (reply.members === undefined) {
    throw new ReplyError("Patroni's reply has no members; check that the address is Patroni's REST API");
  }
  const members = objects(reply.members, "members", MAX_MEMBERS).map(readMember);
  if (new Set(members.map(({ name }) => name)).size < members.length) {
    throw new ReplyError("Patroni lists two members with one name; remove the wrong one from the cluster");
  }
  return { members, paused: reply.pause === true, scheduledSwitchover: isObject(reply.scheduled_switchover) };
}

/**
 * @param running whether the server said so; undefined: by its state
 * @param now the server's time in milliseconds since 1970
 * @throws {ReplyError} when the reply has no state
 */
export function readInstance(reply: JsonObject, running: boolean | undefined, now: number): InstanceStatus {
  if (typeof reply.state !== "string") {
    throw new ReplyError("Patroni's reply has no state; check that the address is Patroni's REST API");
  }
  const state = pick(STATES, reply.state);
  const { version, scope } = isObject(reply.patroni) ? reply.patroni : {};
  const seen = typeof reply.dcs_last_seen === "number" && reply.dcs_last_seen > 0
    ? reply.dcs_last_seen * 1000
    : undefined;
  return {
    running: running ?? isReady(state),
    state,
    role: pick(INSTANCE_ROLES, reply.role),
    ...optional("timeline", wholeNumber(reply.timeline)),
    ...optional("serverVersion", wholeNumber(reply.server_version)),
    syncStandby: reply.sync_standby === true,
    pendingRestart: reply.pending_restart === true,
    paused: reply.pause === true,
    failsafeActive: reply.failsafe_mode_is_active === true,
    ...optional("systemId", shortText(reply.database_system_identifier)),
    replication: objects(reply.replication, "replication", MAX_MEMBERS).map(readPeer),
    ...optional("patroniVersion", shortText(version)),
    ...optional("scope", shortText(scope)),
    ...optional("lastSeenDcs", seen),
    ...optional("stalenessMs", seen === undefined ? undefined : Math.max(0, now - seen)),
  };
}

/** @throws {ReplyError} when the reply is no list of timelines */
export function readHistory(reply: unknown): readonly HistoryEntry[] {
  if (!Array.isArray(reply) || reply.length > MAX_HISTORY) throw noHistory();
  return reply.map((line: unknown) => {
    if (!Array.isArray(line)) throw noHistory();
    const [timeline, lsn] = [wholeNumber(line[0]), wholeNumber(line[1])];
    if (timeline === undefined || lsn === undefined) throw noHistory();
    return {
      timeline,
      lsn,
      reason: shortText(line[2]) ?? "",
      ...optional("at", shortText(line[3])),
      ...optional("leader", shortText(line[4])),
    };
  });
}

function readMember(member: JsonObject): ClusterMember {
  const role = pick(ROLES, member.role);
  const lag: ClusterMember["lag"] = leads(role) ? undefined : wholeNumber(member.lag) ?? "unknown";
  return {
    name: memberName(member.name),
    role,
    state: pick(STATES, member.state),
    ...optional("host", host(member.host)),
    ...optional("port", port(member.port)),
    ...optional("apiUrl", url(member.api_url)),
    ...optional("timeline", wholeNumber(member.timeline)),
    ...optional("lag", lag),
    pendingRestart: member.pending_restart === true,
  };
}

function readPeer(peer: JsonObject): ReplicationPeer {
  return {
    name: shortText(peer.application_name) ?? "unknown",
    ...optional("address", host(peer.client_addr)),
    state: shortText(peer.state) ?? "unknown",
    syncState: shortText(peer.sync_state) ?? "unknown",
  };
}

/** The table's value for a word; `unknown` for everything else. */
function pick<T extends string>(table: Readonly<Record<string, T>>, word: unknown): T | "unknown" {
  return typeof word === "string" && Object.hasOwn(table, word) ? table[word] ?? "unknown" : "unknown";
}

function noHistory(): ReplyError {
  return new ReplyError("Patroni's history cannot be read; check that the address is Patroni's REST API");
}
