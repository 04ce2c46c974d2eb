/**
 * Action `promote-to-primary` of charms whose MySQL clusters replicate from each other.
 *
 * @module
 */
import { asyncReplicationAction } from "../interfaces/async_replication/actions.ts";
import { mysqlPorts } from "../interfaces/async_replication/mysql/ports.ts";

/** Makes this cluster the primary of its cluster set, or this unit the primary of its cluster. */
export const asyncPromoteToPrimary = asyncReplicationAction(mysqlPorts, "promote-to-primary");
