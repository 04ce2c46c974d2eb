/**
 * A server that joins a cluster of a set.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import { readGroup } from "../members.ts";
import { openCluster, type SetAccess } from "./access.ts";
import { channelSource, dropChannel, ensureChannel, hasChannel, readChannel } from "./channel.ts";

/**
 * Gives a server that is about to join the own cluster the channel that the others have, or takes it away: without it
 * a group refuses the server, and with it a primary cluster would follow somebody.
 *
 * @param db connection to an online member of the cluster
 * @param joiner connection to the server that joins, which is in no group yet
 */
export async function prepareReplicaMember(access: SetAccess, db: Mysql, joiner: Mysql): Promise<void> {
  await using cluster = await openCluster(access, (await readGroup(db)).members);
  const channel = await readChannel(cluster.primary.db);
  if (!channel) return await dropChannel(joiner);
  if (await hasChannel(joiner)) return;
  const [source = ""] = channel.sources;
  await ensureChannel(
    joiner,
    channelSource(channel, source, access.replication),
    { failover: false },
  );
}

/**
 * Takes the channel from a secondary whose primary has none. One that comes into the group just when its cluster is
 * promoted is not among those that the promotion takes it from; as the next primary it would pass for a replica's.
 *
 * @param primary connection to the primary of the own cluster
 * @param own connection to the secondary
 * @param hasJoined whether it came into the group a moment ago: then it got the channel before, and not with one that the
 * cluster is given now
 * @returns whether it had one that it lost
 */
export async function dropLeftChannel(primary: Mysql, own: Mysql, { hasJoined = false } = {}): Promise<boolean> {
  if (!await hasChannel(own) || await hasChannel(primary)) return false;
  // A closed cluster may be about to get it: the secondaries have it first.
  if (!hasJoined && !(await readGroup(primary)).writable) return false;
  await dropChannel(own);
  return true;
}
