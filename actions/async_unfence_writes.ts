/**
 * Action `unfence-writes` of charms whose MySQL clusters replicate from each other.
 *
 * @module
 */
import { asyncReplicationAction } from "../interfaces/async_replication/actions.ts";
import { mysqlPorts } from "../interfaces/async_replication/mysql/ports.ts";

/** Lets clients write to the primary cluster again. */
export const asyncUnfenceWrites = asyncReplicationAction(mysqlPorts, "unfence-writes");
