/**
 * Action `fence-writes` of charms whose MySQL clusters replicate from each other.
 *
 * @module
 */
import { asyncReplicationAction } from "../interfaces/async_replication/actions.ts";
import { mysqlPorts } from "../interfaces/async_replication/mysql/ports.ts";

/** Stops writes to the primary cluster. */
export const asyncFenceWrites = asyncReplicationAction(mysqlPorts, "fence-writes");
