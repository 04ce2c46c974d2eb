/**
 * The side of the primary cluster in the charm that runs MySQL.
 *
 * @module
 */
import { asyncReplicationPrimary } from "../primary.ts";
import { withUpkeep } from "../upkeep.ts";
import { mysqlPorts } from "./ports.ts";

/** Offers the unit's cluster to replicas. */
export const mysqlReplicationPrimary = withUpkeep(asyncReplicationPrimary(mysqlPorts), mysqlPorts);
