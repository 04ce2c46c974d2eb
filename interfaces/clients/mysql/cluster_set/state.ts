/**
 * What a cluster set looks like now, by asking all its clusters: a cluster that was left behind does not know it.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { type Group, readGroup } from "../members.ts";
import { type Address, readSettings } from "../status.ts";
import { CONNECT_MS, type OpenCluster, openCluster, type SetAccess } from "./access.ts";
import { hasChannel } from "./channel.ts";
import { ClusterSetLockedError, ClusterSetRefusedError } from "./errors.ts";
import { lockSet } from "./lock.ts";
import { type ClusterSet, readClusterSet, type SetMember } from "./records.ts";

/** What a cluster is in its set, as far as its own servers know. */
export type SetRole = "primary" | "replica" | "none";

/** The newest that anybody knows of the set. */
export interface FoundSet {
  readonly set: ClusterSet;
  /** The own cluster there; undefined when it has been removed. */
  readonly own: SetMember | undefined;
  readonly primary: SetMember | undefined;
  /** Names of other clusters none of which could be asked. */
  readonly unasked: readonly string[];
}

/** What an operation works with while it holds the set's lock. */
export interface LockedSet extends FoundSet {
  readonly primary: SetMember;
  readonly primaryCluster: OpenCluster;
}

/** Reads the own cluster's role from its server alone. */
export async function readRole(db: Mysql): Promise<SetRole> {
  if (await hasChannel(db)) return "replica";
  const set = await readClusterSet(db);
  const groupName = await groupNameOf(db);
  return set?.clusters.find((cluster) => cluster.groupName === groupName)?.role ?? "none";
}

/** The name of the group that a server is configured for; empty without one. */
export async function groupNameOf(db: Mysql): Promise<string> {
  return (await readSettings(db, ["group_replication_group_name"])).get("group_replication_group_name") ?? "";
}

/** Asks all clusters of the own server's set; undefined when it knows of none. */
export async function findSet(
  access: SetAccess,
  db: Mysql,
  timeoutMs: number = CONNECT_MS,
): Promise<FoundSet | undefined> {
  const ownSet = await readClusterSet(db);
  if (!ownSet) return undefined;
  const groupName = await groupNameOf(db);
  const others = ownSet.clusters.filter((cluster) => cluster.groupName !== groupName);
  const asked = await Promise.all(others.map(async (cluster) => ({
    name: cluster.name,
    answers: await askCluster(access, cluster.instances, timeoutMs),
    size: cluster.instances.length,
  })));
  // A set of the same name that was made anew has another id.
  const sets = asked.flatMap(({ answers }) => answers).flatMap(({ set }) => set?.id === ownSet.id ? [set] : []);
  const set = sets.reduce((newest, next) => next.viewId > newest.viewId ? next : newest, ownSet);
  return {
    set,
    own: set.clusters.find((cluster) => cluster.groupName === groupName),
    primary: set.clusters.find(({ role }) => role === "primary"),
    // A stopped server may have missed what its cluster did last.
    unasked: asked.filter(({ answers, size }) =>
      size === 0 ||
      !answers.some(({ group }) => group.self?.state === "ONLINE" && group.quorum) && answers.length < size
    ).map(({ name }) => name),
  };
}

/** {@linkcode findSet} for operations that need one. @throws {ClusterSetRefusedError} when there is none */
export async function requireSet(access: SetAccess, db: Mysql): Promise<FoundSet> {
  const found = await findSet(access, db);
  if (found) return found;
  throw new ClusterSetRefusedError("the cluster is in no cluster set; create the set first");
}

/** A cluster of the set by its name. @throws {ClusterSetRefusedError} when there is none */
export function memberOf({ set }: FoundSet, name: string): SetMember {
  const member = set.clusters.find((cluster) => cluster.name === name);
  if (member) return member;
  throw new ClusterSetRefusedError(`the cluster set has no cluster ${name}; check the name`);
}

/**
 * Does something while nobody else changes the set.
 *
 * @throws {ClusterSetLockedError} when somebody else does
 * @throws {ClientError} when the primary cluster does not run or cannot be reached
 */
export async function withSet<T>(access: SetAccess, db: Mysql, work: (at: LockedSet) => Promise<T>): Promise<T> {
  const found = await requireSet(access, db);
  const { primary } = found;
  if (!primary) throw new ClusterSetRefusedError("the cluster set has no primary cluster; promote one");
  await using primaryCluster = await openCluster(access, await addressesOf(db, found, primary));
  await using _ = await lockSet(access, primaryCluster.primary, found.set.id);
  await requireUnchanged(found, primaryCluster.primary.db);
  return await work({ ...found, primary, primaryCluster });
}

/** Between reading and locking somebody else may have finished a change. */
export async function requireUnchanged({ set }: FoundSet, db: Mysql): Promise<void> {
  const now = await readClusterSet(db);
  if (now?.id !== set.id || now.viewId > set.viewId) throw new ClusterSetLockedError("");
}

/** Where a cluster's servers are: of the own one, its group knows it best. */
export async function addressesOf(db: Mysql, { own }: FoundSet, cluster: SetMember): Promise<readonly Address[]> {
  if (cluster.clusterId !== own?.clusterId) return cluster.instances;
  const { members } = await readGroup(db);
  return members.some(({ state }) => state === "ONLINE") ? members : cluster.instances;
}

/** A connection to the server that may change the set's metadata; the caller closes it. */
export async function openSetPrimary(access: SetAccess, db: Mysql): Promise<Mysql> {
  const found = await requireSet(access, db);
  if (!found.primary) throw new ClusterSetRefusedError("the cluster set has no primary cluster; promote one");
  await using cluster = await openCluster(access, await addressesOf(db, found, found.primary));
  return await access.connect(cluster.primary);
}

interface Answer {
  readonly set: ClusterSet | undefined;
  readonly group: Group;
}

async function askCluster(access: SetAccess, addresses: readonly Address[], timeoutMs: number): Promise<Answer[]> {
  const answers = await Promise.all(addresses.map(async (address): Promise<Answer | undefined> => {
    try {
      await using db = await access.connect(address, timeoutMs);
      return { set: await readClusterSet(db), group: await readGroup(db) };
    } catch (error) {
      if (error instanceof ClientError) return undefined;
      throw error;
    }
  }));
  return answers.filter((answer) => answer !== undefined);
}
