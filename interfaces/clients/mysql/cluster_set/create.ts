/**
 * The beginning of a cluster set: a cluster that takes writes becomes its primary cluster.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import { addressText, readGroup } from "../members.ts";
import { ensureCluster, readMetadata, syncInstances } from "../metadata.ts";
import { ensureMetadata } from "../metadata_schema.ts";
import { openCluster, type SetAccess } from "./access.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { changeRecord, readClusterSet, recordClusterSet } from "./records.ts";
import { groupNameOf, readRole } from "./state.ts";

/** Names of a new set. */
export interface NewClusterSet {
  readonly setName: string;
  /** Of its first cluster, where that has no name yet. */
  readonly clusterName: string;
}

/**
 * Makes the own cluster the primary of a new set.
 *
 * @returns whether anything was missing
 * @throws {ClusterSetRefusedError} when the cluster is a replica, or in a set of another name
 */
export async function createClusterSet(
  access: SetAccess,
  db: Mysql,
  { setName, clusterName }: NewClusterSet,
): Promise<boolean> {
  if (await readRole(db) === "replica") {
    throw new ClusterSetRefusedError("the cluster is a replica in a cluster set; promote it instead");
  }
  const groupName = await groupNameOf(db);
  await using cluster = await openCluster(access, (await readGroup(db)).members);
  const { primary: { db: primary }, group: { members } } = cluster;
  const before = await readClusterSet(primary);
  if (before && before.name !== setName) {
    throw new ClusterSetRefusedError(`the cluster is in the cluster set ${before.name}; give that name`);
  }
  if (before?.clusters.some((each) => each.groupName === groupName)) return false;
  await ensureMetadata(primary);
  const { clusterId } = await ensureCluster(primary, { name: clusterName, groupName });
  if (((await readMetadata(primary))?.instances.get(clusterId) ?? []).length === 0) {
    await syncInstances(primary, clusterId, members.map((member) => ({ ...member, label: addressText(member) })));
  }
  const setId = await recordClusterSet(primary, setName);
  await changeRecord(primary, setId, { kind: "add", clusterId, role: "primary" });
  return true;
}
