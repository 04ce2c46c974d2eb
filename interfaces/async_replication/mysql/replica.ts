/**
 * The side of the replica cluster in the charm that runs MySQL.
 *
 * @module
 */
import { asyncReplicationReplica } from "../replica.ts";
import { mysqlPorts, withUpkeep } from "./ports.ts";

/** Makes the unit's cluster a replica. */
export const mysqlReplicationReplica = withUpkeep(asyncReplicationReplica(mysqlPorts));
