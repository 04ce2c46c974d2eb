/**
 * Action `promote-standby-cluster` of charms whose MySQL clusters replicate from each other.
 *
 * @module
 */
import { asyncReplicationAction } from "../interfaces/async_replication/actions.ts";
import { mysqlPorts } from "../interfaces/async_replication/mysql/ports.ts";

/** Makes this replica cluster the primary of its cluster set. */
export const asyncPromoteStandbyCluster = asyncReplicationAction(mysqlPorts, "promote-standby-cluster");
