/**
 * What keeps a cluster from taking writes: what its next primary does by itself, and the channel from another cluster.
 *
 * @module
 */
import type { Channel } from "./status.ts";

/** A new primary opens itself for writes: off in replica clusters and fenced ones. */
export const OPEN_PRIMARY = "mysql_disable_super_read_only_if_primary";
/** Asynchronous channel from the primary cluster of a cluster set; only its replica clusters have one. */
export const REPLICATION_CHANNEL = "clusterset_replication";

/** Whether a server gets its data from another cluster. */
export function isReplica(channels: readonly Channel[]): boolean {
  return channels.some(({ name }) => name === REPLICATION_CHANNEL);
}
