/**
 * The side of the replica cluster in the charm that runs MySQL.
 *
 * @module
 */
import { asyncReplicationReplica } from "../replica.ts";
import { withUpkeep } from "../upkeep.ts";
import { mysqlPorts } from "./ports.ts";

/** Makes the unit's cluster a replica. */
export const mysqlReplicationReplica = withUpkeep(asyncReplicationReplica(mysqlPorts), mysqlPorts);
