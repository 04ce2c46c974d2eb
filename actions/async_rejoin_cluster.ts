/**
 * Action `rejoin-cluster` of charms whose MySQL clusters replicate from each other.
 *
 * @module
 */
import { asyncReplicationAction } from "../interfaces/async_replication/actions.ts";
import { mysqlPorts } from "../interfaces/async_replication/mysql/ports.ts";

/** Takes an invalidated cluster back into the cluster set. */
export const asyncRejoinCluster = asyncReplicationAction(mysqlPorts, "rejoin-cluster");
