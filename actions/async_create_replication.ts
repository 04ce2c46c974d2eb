/**
 * Action `create-replication` of charms whose MySQL clusters replicate from each other.
 *
 * @module
 */
import { asyncReplicationAction } from "../interfaces/async_replication/actions.ts";
import { mysqlPorts } from "../interfaces/async_replication/mysql/ports.ts";

/** Offers this cluster to those that are related. */
export const asyncCreateReplication = asyncReplicationAction(mysqlPorts, "create-replication");
