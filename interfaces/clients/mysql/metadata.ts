/**
 * What the metadata schema says of clusters, their members and routers; kept true by whoever changes a cluster.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { Mysql, Row } from "./connection.ts";
import { NotDoneError } from "./errors.ts";
import { checkedAddress } from "./instance.ts";
import { hasMetadata } from "./metadata_schema.ts";
import { type Sql, sql } from "./quoting.ts";
import { numberIn, textIn } from "./rows.ts";
import { type Address, orNone } from "./status.ts";

/** A cluster of the metadata. */
export interface ClusterRecord {
  readonly clusterId: string;
  readonly name: string;
  /** Group replication's name of it, a UUID. */
  readonly groupName: string;
  /** The cluster set it belongs to; empty without one. */
  readonly clusterSetId: string;
}

/** A member that Router may use. */
export interface InstanceRecord extends Address {
  /** The server's UUID. */
  readonly uuid: string;
  /** What people call it, such as a unit's name. */
  readonly label: string;
}

/** Everything of one cluster. */
export interface Metadata {
  readonly clusters: readonly ClusterRecord[];
  /** Members by cluster id. */
  readonly instances: ReadonlyMap<string, readonly InstanceRecord[]>;
}

/** A Router that has been bootstrapped. */
export interface RouterRecord {
  readonly id: number;
  readonly name: string;
  /** Of the machine it runs on. */
  readonly address: string;
  readonly version: string;
  readonly clusterId: string;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/;
const MAX_LABEL = 265;

/** Reads all clusters and members; undefined when the schema is not there, to its last part. */
export async function readMetadata(db: Mysql): Promise<Metadata | undefined> {
  const rows = await orNone(db.query(
    "read the clusters and their members",
    sql`SELECT c.cluster_id, c.cluster_name, c.group_name, c.clusterset_id, i.mysql_server_uuid, i.instance_name,
      i.address FROM mysql_innodb_cluster_metadata.schema_version v
      LEFT JOIN mysql_innodb_cluster_metadata.v2_gr_clusters c ON TRUE
      LEFT JOIN mysql_innodb_cluster_metadata.instances i ON i.cluster_id = c.cluster_id
      ORDER BY c.cluster_name, i.instance_id`,
  ));
  // Without a cluster there is one row of nothing.
  return rows.length === 0 ? undefined : metadataIn(rows);
}

/** Clusters and members in rows that have the columns of both. */
export function metadataIn(rows: readonly Row[]): Metadata {
  const clusters = new Map<string, ClusterRecord>();
  const instances = new Map<string, InstanceRecord[]>();
  for (const row of rows) {
    const clusterId = textIn(row, "cluster_id");
    // Where there is no cluster, and likewise below for one without members.
    if (clusterId === "") continue;
    const [name, groupName] = [textIn(row, "cluster_name"), textIn(row, "group_name")];
    clusters.set(clusterId, { clusterId, name, groupName, clusterSetId: textIn(row, "clusterset_id") });
    const uuid = textIn(row, "mysql_server_uuid");
    if (uuid === "") continue;
    const members = instances.get(clusterId) ?? [];
    members.push({ ...parseAddress(textIn(row, "address")), uuid, label: textIn(row, "instance_name") });
    instances.set(clusterId, members);
  }
  return { clusters: [...clusters.values()], instances };
}

/**
 * Names a cluster on its primary; the schema has to be there.
 *
 * @returns the cluster, which may have been there before
 * @throws {InputError} for a name that MySQL Shell would not take
 * @throws {NotDoneError} when the name belongs to another group
 */
export async function ensureCluster(
  db: Mysql,
  { name, groupName }: Pick<ClusterRecord, "name" | "groupName">,
): Promise<ClusterRecord> {
  checkClusterName(name);
  if (!UUID.test(groupName)) throw new InputError("a group's name is a UUID in small letters; correct it");
  const find = async () => (await readMetadata(db))?.clusters.find((cluster) => cluster.groupName === groupName);
  const found = await find();
  if (found) return found;
  const attributes = JSON.stringify({
    adopted: 0,
    group_replication_group_name: groupName,
    default: true,
    opt_gtidSetIsComplete: false,
  });
  await db.run(
    "name the cluster",
    sql`INSERT IGNORE INTO mysql_innodb_cluster_metadata.clusters
      (cluster_id, cluster_name, description, options, attributes, cluster_type, primary_mode, router_options)
      VALUES (${crypto.randomUUID()}, ${name}, ${name}, '{}', ${attributes}, 'gr', 'pm', '{}')`,
  );
  const made = await find();
  if (made) return made;
  throw new NotDoneError(`the name ${name} belongs to a cluster of another group; choose another name`);
}

/** Whether a name can be a cluster's. @throws {InputError} for one that MySQL Shell would not take */
export function checkClusterName(name: string): void {
  if (NAME.test(name)) return;
  throw new InputError("a cluster's name has 1 to 63 letters, digits, _ . and -, and starts with a letter or _");
}

/**
 * Makes the members of a cluster those that are given. Router ignores members that are not listed, and would try for ever
 * those that are gone.
 *
 * @returns whether anything changed; nothing is written when they are so already
 * @throws {ReadOnlyError} on a server that is not the primary
 */
export async function syncInstances(
  db: Mysql,
  clusterId: string,
  wanted: readonly InstanceRecord[],
): Promise<boolean> {
  for (const { uuid, label } of wanted) {
    if (!UUID.test(uuid)) throw new InputError("a member is named by its server UUID; correct it");
    if (label === "" || label.length > MAX_LABEL) throw new InputError("a member's label has 1 to 265 characters");
  }
  const now = (await readMetadata(db))?.instances.get(clusterId) ?? [];
  const gone = now.filter((has) => !wanted.some((want) => isSame(want, has)));
  const missing = wanted.filter((want) => !now.some((has) => isSame(want, has)));
  if (gone.length === 0 && missing.length === 0) return false;
  await transaction(db, "record the cluster's members", [
    // Of the missing too: a server that changed its cluster is still listed there.
    ...[...gone, ...missing].map(({ uuid }) =>
      sql`DELETE FROM mysql_innodb_cluster_metadata.instances WHERE mysql_server_uuid = ${uuid}`
    ),
    ...missing.map((instance) => insert(clusterId, instance)),
  ]);
  return true;
}

/** Whether two lists have the same members, in any order. */
export function isSameList(a: readonly InstanceRecord[], b: readonly InstanceRecord[]): boolean {
  return a.length === b.length && a.every((one) => b.some((other) => isSame(one, other)));
}

function isSame(a: InstanceRecord, b: InstanceRecord): boolean {
  return a.uuid === b.uuid && a.host === b.host && a.port === b.port && a.label === b.label;
}

/** Adds one member to a cluster, or corrects it. @returns whether anything changed */
export async function registerInstance(db: Mysql, clusterId: string, instance: InstanceRecord): Promise<boolean> {
  const now = (await readMetadata(db))?.instances.get(clusterId) ?? [];
  return await syncInstances(db, clusterId, [...now.filter(({ uuid }) => uuid !== instance.uuid), instance]);
}

/** The routers that were bootstrapped against this metadata; none when the schema is not there. */
export async function listRouters(db: Mysql): Promise<RouterRecord[]> {
  if (!await hasMetadata(db)) return [];
  const rows = await db.query(
    "read the routers",
    sql`SELECT router_id, router_name, address, version, cluster_id
      FROM mysql_innodb_cluster_metadata.routers ORDER BY router_id`,
  );
  return rows.map((row) => ({
    id: numberIn(row, "router_id"),
    name: textIn(row, "router_name"),
    address: textIn(row, "address"),
    version: textIn(row, "version"),
    clusterId: textIn(row, "cluster_id"),
  }));
}

/** Forgets a router; its user is dropped separately. @returns whether it was there */
export async function removeRouter(db: Mysql, id: number): Promise<boolean> {
  if (!(await listRouters(db)).some((router) => router.id === id)) return false;
  await transaction(db, "forget a router", [
    sql`DELETE FROM mysql_innodb_cluster_metadata.router_stats WHERE router_id = ${id}`,
    sql`DELETE FROM mysql_innodb_cluster_metadata.routers WHERE router_id = ${id}`,
  ]);
  return true;
}

function insert(clusterId: string, instance: InstanceRecord): Sql {
  const address = checkedAddress(instance);
  const addresses = JSON.stringify({ mysqlClassic: address, grLocal: address });
  return sql`INSERT INTO mysql_innodb_cluster_metadata.instances
    (cluster_id, address, mysql_server_uuid, instance_name, addresses, attributes)
    VALUES (${clusterId}, ${address}, ${instance.uuid}, ${instance.label}, ${addresses}, '{}')`;
}

/** All statements or none. */
export async function transaction(db: Mysql, operation: string, statements: readonly Sql[]): Promise<void> {
  await db.run(operation, sql`START TRANSACTION`);
  try {
    for (const statement of statements) await db.run(operation, statement);
    await db.run(operation, sql`COMMIT`);
  } catch (error) {
    // Over a lost connection the server does it.
    await db.run(operation, sql`ROLLBACK`).catch(() => undefined);
    throw error;
  }
}

function parseAddress(address: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  return { host: bracketed ?? plain ?? "", port: Number(port ?? 0) };
}
