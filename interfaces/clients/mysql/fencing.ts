/**
 * Whether a cluster is kept from taking writes, and what its next primary would do about it.
 *
 * @module
 */
import type { Mysql } from "./connection.ts";
import type { Group } from "./members.ts";
import { sql } from "./quoting.ts";
import { flagIn, textIn } from "./rows.ts";
import { type Channel, orNone } from "./status.ts";

/** What a new primary does by itself, by name, and whether it does so. */
export type MemberActions = ReadonlyMap<string, boolean>;

/** A new primary opens itself for writes: off in replica clusters and fenced ones. */
export const OPEN_PRIMARY = "mysql_disable_super_read_only_if_primary";
/** Asynchronous channel from the primary cluster of a cluster set; only its replica clusters have one. */
export const REPLICATION_CHANNEL = "clusterset_replication";

/** Reads what the members do after an election. */
export async function readMemberActions(db: Mysql): Promise<MemberActions> {
  const rows = await orNone(db.query(
    "read the actions of members",
    sql`SELECT name, enabled FROM performance_schema.replication_group_member_actions
      WHERE event = 'AFTER_PRIMARY_ELECTION'`,
  ));
  return new Map(rows.map((row) => [textIn(row, "name"), flagIn(row, "enabled")]));
}

/**
 * Whether writes are fenced: on purpose, over elections, and not because this is a replica.
 *
 * @param facts all read from the primary
 */
export function isFenced(
  { group, actions, channels }: {
    readonly group: Group;
    readonly actions: MemberActions;
    readonly channels: readonly Channel[];
  },
): boolean {
  const isPrimary = group.primary !== undefined && group.primary.uuid === group.self?.uuid;
  return isPrimary && !group.writable && group.quorum && actions.get(OPEN_PRIMARY) === false && !isReplica(channels);
}

/** Whether a server gets its data from another cluster. */
export function isReplica(channels: readonly Channel[]): boolean {
  return channels.some(({ name }) => name === REPLICATION_CHANNEL);
}
