/**
 * Action `recreate-cluster` of charms whose MySQL clusters replicate from each other.
 *
 * @module
 */
import { asyncReplicationAction } from "../interfaces/async_replication/actions.ts";
import { mysqlPorts } from "../interfaces/async_replication/mysql/ports.ts";

/** Makes a cluster of its own out of one that was removed from its cluster set. */
export const asyncRecreateCluster = asyncReplicationAction(mysqlPorts, "recreate-cluster");
