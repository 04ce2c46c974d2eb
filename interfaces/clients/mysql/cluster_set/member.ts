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
