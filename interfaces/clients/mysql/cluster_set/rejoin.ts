/**
 * Takes a cluster that was left behind, or that follows nobody, back into the set.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import type { SetAccess } from "./access.ts";
import { channelSource } from "./channel.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { follow } from "./follow.ts";
import { whileUnlocked } from "./modes.ts";
import { changeRecord } from "./records.ts";
import { memberOf, openMember } from "./state.ts";
import { withSet } from "./with_set.ts";

/** Which cluster. */
export interface RejoinOptions {
  readonly clusterName: string;
  /** Milliseconds for each wait; 30 s without it. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;

/**
 * Lets a cluster that runs follow the primary cluster again. It is closed first, in case it took writes.
 *
 * @throws {ErrantTransactionsError} when it has transactions that the primary cluster does not have: save what they
 * hold, then remove the cluster and add it again by clone
 * @throws {ClusterSetRefusedError} when it is the primary cluster, or the primary has purged what it lacks
 */
export async function rejoinCluster(
  access: SetAccess,
  db: Mysql,
  { clusterName, patienceMs = PATIENCE_MS }: RejoinOptions,
): Promise<void> {
  await withSet(access, db, async (at) => {
    const member = memberOf(at, clusterName);
    if (member.role === "primary") throw new ClusterSetRefusedError(`${clusterName} is the primary cluster`);
    const { primaryCluster: { primary }, primary: { groupName }, set } = at;
    await using replica = await openMember(access, db, at, member);
    await follow(replica, primary.db, channelSource(primary, groupName, access.replication), patienceMs);
    const change = { kind: "valid", clusterId: member.clusterId } as const;
    await whileUnlocked(primary.db, () => changeRecord(primary.db, set.id, change));
  });
}
