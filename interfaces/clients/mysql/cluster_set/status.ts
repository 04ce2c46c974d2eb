/**
 * How a replica cluster does.
 *
 * @module
 */
import { ClientError, NoQuorumError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { GtidSet } from "../gtid.ts";
import { readGroup } from "../members.ts";
import { readUntil } from "../wait.ts";
import { CONNECT_MS, type OpenCluster, type SetAccess } from "./access.ts";
import { type ChannelFacts, readChannel } from "./channel.ts";
import { executedSet, type Mode, readMode } from "./modes.ts";
import { failuresOf, findSet, type FoundSet, openMember } from "./state.ts";
import type { SetMember } from "./records.ts";

/**
 * How a replica cluster does, as the primary cluster sees it. `ok_not_replicating`: the channel does not run;
 * `ok_not_consistent`: it has transactions of its own; `ok_misconfigured`: it follows another source or takes writes;
 * `not_ok`: no quorum or no primary; `invalidated`: left behind by a forced failover; `unknown`: it is not in the
 * cluster set, or cannot be asked.
 */
export type ReplicaStatus =
  | "ok"
  | "ok_not_replicating"
  | "ok_not_consistent"
  | "ok_misconfigured"
  | "not_ok"
  | "invalidated"
  | "unknown";

/** A status and what it comes from. */
export interface ClusterStatus {
  readonly status: ReplicaStatus;
  /** Transactions that the primary cluster does not have. */
  readonly errant?: string;
  /** MySQL's number of the channel's error. */
  readonly errorNumber?: number;
  /** One line for people. */
  readonly why: string;
}

/** What the status of a cluster follows from. */
export interface ReplicaFacts {
  readonly member: Pick<SetMember, "role" | "invalidated">;
  readonly mode: Mode;
  readonly channel: ChannelFacts | undefined;
  /** Group name of the primary cluster. */
  readonly source: string;
  /** What the replica has executed; read before the primary's. */
  readonly executed: string;
  /** What the primary cluster has; undefined when it cannot be asked. */
  readonly primaryExecuted: string | undefined;
}

/** Milliseconds for which a channel that reconnects is watched: it does so at every failover. */
const SETTLE_MS = 3000;

/** The status of a cluster whose primary could be asked. */
export function statusOf(facts: ReplicaFacts): ClusterStatus {
  const { member, mode, channel, source } = facts;
  if (member.invalidated) return { status: "invalidated", why: "it was left behind by a forced promotion" };
  if (member.role === "primary") return { status: "ok", why: "it is the primary cluster" };
  const errorNumber = channel?.errorNumber ?? 0;
  if (!channel) return { status: "ok_not_replicating", why: "it has no channel to the primary cluster" };
  if (!mode.superReadOnly) return { status: "ok_misconfigured", why: "it takes writes" };
  if (mode.opening) return { status: "ok_misconfigured", why: "its next primary would take writes" };
  if (!channel.failover || channel.sources.length !== 1 || channel.sources[0] !== source) {
    return { status: "ok_misconfigured", why: "its channel does not follow the primary cluster" };
  }
  if (facts.primaryExecuted !== undefined) {
    const errant = GtidSet.parse(facts.executed).subtract(GtidSet.parse(facts.primaryExecuted));
    if (!errant.isEmpty) {
      return { status: "ok_not_consistent", errant: `${errant}`, why: "it has transactions of its own" };
    }
  }
  if (channel.receiver !== "ON" || channel.applier !== "ON") {
    const reason = channel.receiver === "CONNECTING" ? "its channel does not get through" : "its channel is stopped";
    return {
      status: "ok_not_replicating",
      errorNumber,
      why: errorNumber ? `${reason} (error ${errorNumber})` : reason,
    };
  }
  return { status: "ok", why: "it follows the primary cluster" };
}

/**
 * How a cluster of the set does, as seen from here. Raises nothing when it does not answer.
 *
 * @param db connection to a server of the own cluster
 * @param options.patienceMs milliseconds for a channel that reconnects; 3000 without it
 * @param options.connectMs milliseconds for a server that may be dead; 5000 without it
 */
export async function clusterStatus(
  access: SetAccess,
  db: Mysql,
  clusterName: string,
  { patienceMs = SETTLE_MS, connectMs = CONNECT_MS }: {
    readonly patienceMs?: number;
    readonly connectMs?: number;
  } = {},
): Promise<ClusterStatus> {
  try {
    const found = await findSet(access, db, connectMs);
    const member = found?.set.clusters.find(({ name }) => name === clusterName);
    if (!found || !member) return { status: "unknown", why: "it is not in the cluster set" };
    if (member.invalidated) return { status: "invalidated", why: "it was left behind by a forced promotion" };
    const look = () => lookAt({ access, db, found, connectMs }, member);
    return await readUntil(look, ({ status }) => status !== "ok_not_replicating", patienceMs);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return { status: "unknown", why: error.message };
  }
}

/** How clusters are looked at. */
interface View {
  readonly access: SetAccess;
  readonly db: Mysql;
  readonly found: FoundSet;
  readonly connectMs: number;
}

async function lookAt(view: View, member: SetMember): Promise<ClusterStatus> {
  try {
    await using cluster = await open(view, member);
    const { primary: { db: at } } = cluster;
    const [mode, channel, executed] = [await readMode(at), await readChannel(at), await executedSet(at)];
    const { primary } = view.found;
    const primaryExecuted = primary && member.role === "replica" ? await executedOf(view, primary) : undefined;
    return statusOf({ member, mode, channel, source: primary?.groupName ?? "", executed, primaryExecuted });
  } catch (error) {
    if (error instanceof NoQuorumError) return { status: "not_ok", why: "it has no primary or no majority" };
    if (!(error instanceof ClientError)) throw error;
    return { status: "unknown", why: error.message };
  }
}

async function executedOf(view: View, primary: SetMember): Promise<string | undefined> {
  const { access, db, found, connectMs } = view;
  try {
    const own = primary.clusterId === found.own?.clusterId ? await readGroup(db) : undefined;
    if (own?.quorum && own.primary) {
      await using server = await access.connect(own.primary, connectMs);
      return await executedSet(server);
    }
    await using cluster = await open(view, primary);
    return await executedSet(cluster.primary.db);
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}

function open({ access, db, found, connectMs }: View, member: SetMember): Promise<OpenCluster> {
  return openMember(access, db, found, member, { connectMs, failed: failuresOf(found, member) });
}
