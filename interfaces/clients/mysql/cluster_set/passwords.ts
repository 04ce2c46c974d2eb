/**
 * A new password of the user that clusters replicate with.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { membersOf, openCluster, type SetAccess } from "./access.ts";
import { setChannelPassword } from "./channel.ts";
import { addressesOf, withSet } from "./state.ts";

/**
 * Gives every channel of the set the password of `access.replication`, which the primary cluster's user has already:
 * running channels go on with the old one until they have to connect again.
 *
 * @returns names of the clusters of which a member could not be told
 */
export async function setReplicationPassword(access: SetAccess, db: Mysql): Promise<string[]> {
  return await withSet(access, db, async (at) => {
    const missed: string[] = [];
    for (const cluster of at.set.clusters.filter(({ role }) => role === "replica")) {
      try {
        await using replica = await openCluster(access, await addressesOf(db, at, cluster));
        for (const { db: member } of membersOf(replica)) await setChannelPassword(member, access.replication);
        if (replica.unreachable.length > 0) missed.push(cluster.name);
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        missed.push(cluster.name);
      }
    }
    return missed;
  });
}
