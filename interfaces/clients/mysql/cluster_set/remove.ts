/**
 * Takes clusters out of a set.
 *
 * @module
 */
import { ClientError, NoQuorumError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { leaveGroup } from "../group.ts";
import { addressText } from "../members.ts";
import type { Address } from "../status.ts";
import { CONNECT_MS, failureAt, membersOf, type SetAccess } from "./access.ts";
import { perform } from "./acts.ts";
import { dropChannel, endFollowing, isFollowing } from "./channel.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { executedSet, whileUnlocked } from "./modes.ts";
import { changeRecord, type SetMember } from "./records.ts";
import { failuresOf, groupNameOf, openMember, requireHeard } from "./state.ts";
import { planRemove } from "./steps.ts";
import { type LockedSet, withSet } from "./with_set.ts";

/** Which cluster, and how. */
export interface RemoveOptions {
  readonly clusterName: string;
  /** Also when it does not run or cannot be reached; its servers are to be cleaned before they start a cluster again. */
  readonly force?: boolean;
  /** Milliseconds for it to get the primary cluster's last transactions; 30 s without it. */
  readonly patienceMs?: number;
  /** Milliseconds for a server of another cluster to tell how it does; 5 s without it. */
  readonly lookMs?: number;
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
  { clusterName, force = false, patienceMs = PATIENCE_MS, lookMs = CONNECT_MS }: RemoveOptions,
): Promise<boolean> {
  const remove = async (at: LockedSet): Promise<boolean> => {
    const member = at.set.clusters.find(({ name }) => name === clusterName);
    if (!member) return false;
    if (member.role === "primary") throw new ClusterSetRefusedError(`${clusterName} is the primary cluster`);
    await takeOut(access, at, member, { db, force, patienceMs });
    return true;
  };
  return await withSet(access, db, remove, lookMs);
}

async function takeOut(
  access: SetAccess,
  at: LockedSet,
  member: SetMember,
  { db, force, patienceMs }: Ending,
): Promise<void> {
  try {
    await endReplica(access, at, member, { db, force, patienceMs });
  } catch (error) {
    if (!force || !(error instanceof ClientError)) throw error;
  }
  const { set, primaryCluster: { primary: { db: writer } } } = at;
  const change = { kind: "remove", clusterId: member.clusterId } as const;
  await whileUnlocked(writer, () => changeRecord(writer, set.id, change));
}

interface Ending extends Required<Omit<RemoveOptions, "clusterName" | "lookMs">> {
  /** Connection to a server of any cluster of the set. */
  readonly db: Mysql;
}

async function endReplica(
  access: SetAccess,
  at: LockedSet,
  member: SetMember,
  { db, force, patienceMs }: Ending,
): Promise<void> {
  requireHeard(at, member);
  const { primary: { groupName }, primaryCluster: { primary: source } } = at;
  const failed = failuresOf(at, member);
  const ended = new Set<string>();
  try {
    await using replica = await openMember(access, db, at, member, { failed });
    if (replica.unreachable.length > 0 && !force) {
      throw new ClientError("not all online members of the replica cluster can be reached, and they would follow on");
    }
    // What a channel that does not run, or that an earlier call has stopped, has not brought by now never comes.
    const caughtUp = !force && await isFollowing(replica.primary.db, groupName);
    const target = () => executedSet(source.db);
    await perform(planRemove({ caughtUp }), { clusters: { replica }, patienceMs, target });
    for (const each of membersOf(replica)) ended.add(addressText(each));
  } catch (error) {
    if (!(error instanceof NoQuorumError)) throw error;
  }
  // Servers that were no members, or had left when an earlier call was cut short.
  const rest = member.instances.filter((address) => !ended.has(addressText(address)));
  await Promise.all(rest.map(async (address) => {
    try {
      const failure = failureAt(failed, address);
      if (failure) throw failure;
      await endServer(access, address, member.groupName);
    } catch (error) {
      // With the cluster gone it does no more than come back closed.
      if (ended.size === 0 || !(error instanceof ClientError)) throw error;
    }
  }));
}

/** A server that is out of its group, or left in one that has no majority, forgets the group and follows nobody. */
async function endServer(access: SetAccess, address: Address, groupName: string): Promise<void> {
  await using db = await access.connect(address, CONNECT_MS);
  const now = await groupNameOf(db);
  // It may have become a member of another cluster since.
  if (now !== "" && now !== groupName) return;
  await leaveGroup(db);
  await endFollowing(db);
  await dropChannel(db);
}
