/**
 * What the metadata schema says of the cluster set. It is written on the primary cluster only; each change raises the
 * set's view, so of two answers the one with the higher view is the newer.
 *
 * @module
 */
import { InputError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { type InstanceRecord, metadataIn, readMetadata, transaction } from "../metadata.ts";
import { type Sql, sql } from "../quoting.ts";
import { flagIn, numberIn, textIn } from "../rows.ts";
import { orNone } from "../status.ts";

/** A cluster of a set. */
export interface SetMember {
  readonly clusterId: string;
  readonly name: string;
  /** Group replication's name of it, a UUID. */
  readonly groupName: string;
  readonly role: "primary" | "replica";
  /** Left behind by a forced promotion: it may have data that the others do not have. */
  readonly invalidated: boolean;
  readonly instances: readonly InstanceRecord[];
}

/** A cluster set as one server knows it. */
export interface ClusterSet {
  readonly id: string;
  readonly name: string;
  readonly viewId: number;
  readonly clusters: readonly SetMember[];
}

/** The set as a server knows it, and which cluster of it is that server's own. */
export interface KnownSet extends ClusterSet {
  /** Name of the group that the server is configured for; empty without one. */
  readonly ownGroup: string;
}

/** A change of the record. */
export type SetChange =
  | { readonly kind: "add"; readonly clusterId: string; readonly role: "primary" | "replica" }
  | { readonly kind: "remove"; readonly clusterId: string }
  | {
    readonly kind: "roles";
    readonly primary: string;
    /** Ids of clusters that are left behind. */
    readonly invalidated: readonly string[];
    /** The highest view that is known anywhere. */
    readonly viewId: number;
  }
  | { readonly kind: "valid"; readonly clusterId: string };

/** Views of one generation, as MySQL Shell counts them. */
const GENERATION = 65_536;
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/;

/** Reads the set from a server's own metadata; undefined when that has none. */
export async function readClusterSet(db: Mysql): Promise<KnownSet | undefined> {
  const rows = await orNone(db.query(
    "read the cluster set",
    sql`SELECT s.clusterset_id, s.domain_name, s.view_id, m.member_role, m.invalidated, c.cluster_id, c.cluster_name,
      c.group_name, i.mysql_server_uuid, i.instance_name, i.address, (SELECT VARIABLE_VALUE
        FROM performance_schema.global_variables WHERE VARIABLE_NAME = 'group_replication_group_name') AS own_group
      FROM mysql_innodb_cluster_metadata.schema_version v
      JOIN (SELECT clusterset_id, domain_name, view_id FROM mysql_innodb_cluster_metadata.v2_cs_clustersets
        ORDER BY view_id DESC LIMIT 1) s
      LEFT JOIN mysql_innodb_cluster_metadata.v2_cs_members m ON m.clusterset_id = s.clusterset_id
      LEFT JOIN mysql_innodb_cluster_metadata.v2_gr_clusters c ON c.cluster_id = m.cluster_id
      LEFT JOIN mysql_innodb_cluster_metadata.instances i ON i.cluster_id = c.cluster_id
      ORDER BY c.cluster_name, i.instance_id`,
  ));
  const [set] = rows;
  if (!set) return undefined;
  const { clusters, instances } = metadataIn(rows);
  return {
    id: textIn(set, "clusterset_id"),
    name: textIn(set, "domain_name"),
    viewId: numberIn(set, "view_id"),
    clusters: clusters.map(({ clusterId, name, groupName }): SetMember => {
      const row = rows.find((each) => textIn(each, "cluster_id") === clusterId);
      const role = textIn(row, "member_role") === "PRIMARY" ? "primary" : "replica";
      const invalidated = flagIn(row, "invalidated");
      return { clusterId, name, groupName, role, invalidated, instances: instances.get(clusterId) ?? [] };
    }),
    ownGroup: textIn(set, "own_group"),
  };
}

/**
 * Makes an empty set where there is none.
 *
 * @returns its id, also of one that was there
 * @throws {InputError} for a name that MySQL Shell would not take
 */
export async function recordClusterSet(db: Mysql, name: string): Promise<string> {
  if (!NAME.test(name)) {
    throw new InputError("a cluster set's name has 1 to 63 letters, digits, _ . and -, and starts with a letter or _");
  }
  const found = await readClusterSet(db);
  if (found) return found.id;
  const id = crypto.randomUUID();
  await db.run(
    "name the cluster set",
    sql`INSERT INTO mysql_innodb_cluster_metadata.clustersets
      (clusterset_id, domain_name, view_id, options, attributes, router_options)
      VALUES (${id}, ${name}, 1, '{}', '{}', '{}')`,
  );
  return id;
}

/**
 * Changes the record of a set, in one transaction; nothing is written when it is so already. Leaving a cluster behind
 * begins a generation of views: however many changes that cluster has recorded alone, its view stays the lower one.
 */
export async function changeRecord(db: Mysql, setId: string, change: SetChange): Promise<boolean> {
  const set = await readClusterSet(db);
  if (!set || set.id !== setId) throw new InputError("the server does not know this cluster set; ask its primary");
  if (isSo(set, change)) return false;
  await transaction(db, "record the cluster set", [
    ...statements(setId, change),
    sql`UPDATE mysql_innodb_cluster_metadata.clustersets SET view_id = ${nextView(set.viewId, change)}
      WHERE clusterset_id = ${setId}`,
  ]);
  return true;
}

function nextView(now: number, change: SetChange): number {
  if (change.kind !== "roles") return now + 1;
  const known = Math.max(now, change.viewId);
  return change.invalidated.length === 0 ? known + 1 : (Math.floor(known / GENERATION) + 1) * GENERATION;
}

/** Forgets a cluster of this name that never came into the set, such as one whose making was cut short. */
export async function forgetStale(db: Mysql, { clusters }: ClusterSet, name: string, groupName: string): Promise<void> {
  const known = (await readMetadata(db))?.clusters ?? [];
  const stale = known.find((each) =>
    each.name === name && each.groupName !== groupName &&
    clusters.every(({ clusterId }) => clusterId !== each.clusterId)
  );
  if (stale) await transaction(db, "forget a cluster", forget(stale.clusterId));
}

function forget(clusterId: string): Sql[] {
  return [
    sql`DELETE FROM mysql_innodb_cluster_metadata.instances WHERE cluster_id = ${clusterId}`,
    sql`DELETE FROM mysql_innodb_cluster_metadata.clusters WHERE cluster_id = ${clusterId}`,
  ];
}

function isSo({ clusters }: ClusterSet, change: SetChange): boolean {
  if (change.kind === "add") return clusters.some(({ clusterId }) => clusterId === change.clusterId);
  if (change.kind === "remove") return clusters.every(({ clusterId }) => clusterId !== change.clusterId);
  if (change.kind === "valid") {
    return clusters.some(({ clusterId, invalidated }) => clusterId === change.clusterId && !invalidated);
  }
  return clusters.every(({ clusterId, role, invalidated }) =>
    clusterId === change.primary
      ? role === "primary" && !invalidated
      : role === "replica" && (invalidated || !change.invalidated.includes(clusterId))
  );
}

function statements(setId: string, change: SetChange): Sql[] {
  switch (change.kind) {
    case "add":
      return [
        sql`INSERT INTO mysql_innodb_cluster_metadata.clusterset_members
          (clusterset_id, cluster_id, member_role, invalidated, attributes)
          VALUES (${setId}, ${change.clusterId}, ${change.role.toUpperCase()}, 0, '{}')`,
        sql`UPDATE mysql_innodb_cluster_metadata.clusters SET clusterset_id = ${setId}
          WHERE cluster_id = ${change.clusterId}`,
      ];
    case "remove":
      return [
        sql`DELETE FROM mysql_innodb_cluster_metadata.clusterset_members
          WHERE clusterset_id = ${setId} AND cluster_id = ${change.clusterId}`,
        ...forget(change.clusterId),
      ];
    case "roles":
      return [
        sql`UPDATE mysql_innodb_cluster_metadata.clusterset_members SET member_role = 'REPLICA'
          WHERE clusterset_id = ${setId} AND cluster_id <> ${change.primary}`,
        ...change.invalidated.map((id) =>
          sql`UPDATE mysql_innodb_cluster_metadata.clusterset_members SET invalidated = 1
            WHERE clusterset_id = ${setId} AND cluster_id = ${id}`
        ),
        sql`UPDATE mysql_innodb_cluster_metadata.clusterset_members SET member_role = 'PRIMARY', invalidated = 0
          WHERE clusterset_id = ${setId} AND cluster_id = ${change.primary}`,
      ];
    case "valid":
      return [
        sql`UPDATE mysql_innodb_cluster_metadata.clusterset_members SET member_role = 'REPLICA', invalidated = 0
          WHERE clusterset_id = ${setId} AND cluster_id = ${change.clusterId}`,
      ];
  }
}
