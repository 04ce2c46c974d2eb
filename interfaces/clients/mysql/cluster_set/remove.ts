/**
 * Takes clusters out of a set.
 *
 * @module
 */
import { ClientError, NoQuorumError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { readGroup } from "../members.ts";
import { sql } from "../quoting.ts";
import { openCluster, type SetAccess } from "./access.ts";
import { perform } from "./acts.ts";
import { hasChannel } from "./channel.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { executedSet, whileUnlocked } from "./modes.ts";
import { changeRecord, type SetMember } from "./records.ts";
import { type LockedSet, withSet } from "./state.ts";
import { planRemove } from "./steps.ts";

/** Which cluster, and how. */
export interface RemoveOptions {
  readonly clusterName: string;
  /** Also when it does not run or cannot be reached; its servers are to be cleaned before they start a cluster again. */
  readonly force?: boolean;
  /** Milliseconds for it to get the primary cluster's last transactions; 30 s without it. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;

/**
 * Takes a replica cluster out of the set. It gets the primary cluster's last transactions, then ends; its servers keep
 * the data and stay closed.
 *
 * @returns false when the set has no such cluster
 * @throws {ClusterSetRefusedError} when it is the primary cluster
 * @throws {ClientError} when it does not run or cannot be reached and it is not forced
 */
export async function removeReplicaCluster(
  access: SetAccess,
  db: Mysql,
  { clusterName, force = false, patienceMs = PATIENCE_MS }: RemoveOptions,
): Promise<boolean> {
  return await withSet(access, db, async (at) => {
    const member = at.set.clusters.find(({ name }) => name === clusterName);
    if (!member) return false;
    if (member.role === "primary") throw new ClusterSetRefusedError(`${clusterName} is the primary cluster`);
    await takeOut(access, at, member, { force, patienceMs });
    return true;
  });
}

/**
 * Ends the set: its replicas are taken out, and the primary cluster stands alone and takes writes as before.
 *
 * @param options.force also when replicas cannot be reached
 */
export async function dissolveClusterSet(
  access: SetAccess,
  db: Mysql,
  { force = false, patienceMs = PATIENCE_MS }: Omit<RemoveOptions, "clusterName"> = {},
): Promise<void> {
  await withSet(access, db, async (at) => {
    for (const member of at.set.clusters.filter(({ role }) => role === "replica")) {
      await takeOut(access, at, member, { force, patienceMs });
    }
    const { primaryCluster: { primary }, set: { id } } = at;
    await whileUnlocked(primary.db, () => forgetSet(primary.db, id));
  });
}

async function takeOut(
  access: SetAccess,
  { set, primaryCluster: { primary } }: LockedSet,
  member: SetMember,
  { force, patienceMs }: { readonly force: boolean; readonly patienceMs: number },
): Promise<void> {
  try {
    await endReplica(access, member, { force, patienceMs, target: () => executedSet(primary.db) });
  } catch (error) {
    if (!force || !(error instanceof ClientError)) throw error;
  }
  const change = { kind: "remove", clusterId: member.clusterId } as const;
  await whileUnlocked(primary.db, () => changeRecord(primary.db, set.id, change));
}

async function endReplica(
  access: SetAccess,
  { instances, invalidated }: SetMember,
  { force, ...actors }: {
    readonly force: boolean;
    readonly patienceMs: number;
    readonly target: () => Promise<string>;
  },
): Promise<void> {
  try {
    await using replica = await openCluster(access, instances);
    await perform(planRemove({ caughtUp: !force && !invalidated }), { ...actors, clusters: { replica } });
  } catch (error) {
    // An earlier call may have been cut short when the servers had left and the record was not changed yet.
    if (!(error instanceof NoQuorumError) || !await haveLeft(access, instances)) throw error;
  }
}

async function haveLeft(access: SetAccess, instances: SetMember["instances"]): Promise<boolean> {
  const left = await Promise.all(instances.map(async (address) => {
    await using db = await access.connect(address);
    const { self } = await readGroup(db);
    return (self === undefined || self.state === "OFFLINE") && !await hasChannel(db);
  }));
  return left.every(Boolean);
}

async function forgetSet(db: Mysql, id: string): Promise<void> {
  const statements = [
    sql`UPDATE mysql_innodb_cluster_metadata.clusters SET clusterset_id = NULL WHERE clusterset_id = ${id}`,
    sql`DELETE FROM mysql_innodb_cluster_metadata.clusterset_members WHERE clusterset_id = ${id}`,
    sql`DELETE FROM mysql_innodb_cluster_metadata.clustersets WHERE clusterset_id = ${id}`,
  ];
  for (const statement of statements) await db.run("forget the cluster set", statement);
}
