/**
 * The end of a cluster whose servers go on, and a cluster of its own out of servers that were in a set.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import { NotDoneError } from "../errors.ts";
import { dissolveGroup } from "../group.ts";
import { readGroup } from "../members.ts";
import { transaction } from "../metadata.ts";
import { hasMetadata } from "../metadata_schema.ts";
import { sql } from "../quoting.ts";
import { dropChannel, endFollowing, hasChannel } from "./channel.ts";
import { whileUnlocked } from "./modes.ts";
import { groupNameOf } from "./state.ts";

/**
 * Ends a cluster: its servers keep their data, stay closed and follow nobody.
 *
 * @param members connections to all of its servers that can be reached
 */
export async function dissolveCluster(members: readonly Mysql[]): Promise<void> {
  const groups = await Promise.all(members.map(async (db) => ({ db, group: await readGroup(db) })));
  // The primary's channel runs, and only there failover can be ended for all.
  const primaryFirst = groups.toSorted((a, b) => rank(a.group.self?.role) - rank(b.group.self?.role));
  for (const { db, group } of primaryFirst) {
    if (group.self?.role === "primary" && await hasChannel(db)) {
      await endFollowing(db);
    }
  }
  for (const { db } of primaryFirst.toReversed()) await dropChannel(db);
  await dissolveGroup(members);
}

/**
 * Cleans a server that was in a set, before a cluster of its own is made of it: else its first start would begin to
 * replicate again, and its primary would stay closed.
 *
 * @throws {NotDoneError} when the server is an active member
 */
export async function beginAnew(db: Mysql): Promise<void> {
  const { self } = await readGroup(db);
  if (self && self.state !== "OFFLINE") {
    throw new NotDoneError(`MySQL at ${db.endpoint} is ${self.state} in its group: dissolve its cluster first`);
  }
  await endFollowing(db);
  await dropChannel(db);
  await whileUnlocked(
    db,
    () => db.query("let new primaries open", sql`SELECT group_replication_reset_member_actions()`),
  );
}

/** Deletes what the metadata says of sets and of other clusters. On the primary of a cluster that takes writes. */
export async function forgetClusterSet(db: Mysql): Promise<void> {
  if (!await hasMetadata(db)) return;
  const groupName = await groupNameOf(db);
  const others = sql`SELECT cluster_id FROM mysql_innodb_cluster_metadata.v2_gr_clusters
    WHERE group_name <> ${groupName}`;
  const rows = await db.query(
    "look for other clusters",
    sql`${others} UNION SELECT clusterset_id FROM mysql_innodb_cluster_metadata.clustersets`,
  );
  if (rows.length === 0) return;
  await transaction(db, "forget the cluster set", [
    sql`UPDATE mysql_innodb_cluster_metadata.clusters SET clusterset_id = NULL`,
    sql`DELETE FROM mysql_innodb_cluster_metadata.clusterset_members`,
    sql`DELETE FROM mysql_innodb_cluster_metadata.clustersets`,
    sql`DELETE FROM mysql_innodb_cluster_metadata.instances WHERE cluster_id IN (${others})`,
    sql`DELETE FROM mysql_innodb_cluster_metadata.clusters
      WHERE JSON_UNQUOTE(attributes->'$.group_replication_group_name') <> ${groupName}`,
  ]);
}

function rank(role: string | undefined): number {
  return role === "primary" ? 0 : 1;
}
