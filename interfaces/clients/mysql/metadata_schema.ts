/**
 * The schema by which MySQL Router finds the members of a cluster, with the names and columns that MySQL Shell gives it:
 * whoever made it, the same statements work. Only what Router needs is here; servers themselves need none of it.
 *
 * @module
 */
import type { Mysql } from "./connection.ts";
import { type Sql, sql } from "./quoting.ts";

/** Name of the schema. */
export const SCHEMA = "mysql_innodb_cluster_metadata";

/**
 * Makes the schema on the primary; it goes to the other members by itself. A schema that is there stays as it is.
 *
 * @returns whether it was missing or incomplete
 * @throws {ReadOnlyError} on a server that is not the primary
 */
export async function ensureMetadata(db: Mysql): Promise<boolean> {
  if (await hasMetadata(db)) return false;
  for (const statement of statements()) await db.run("make the metadata of the cluster", statement);
  return true;
}

/** Whether the schema is there, to its last part. */
export async function hasMetadata(db: Mysql): Promise<boolean> {
  const rows = await db.query(
    "look for the metadata of the cluster",
    sql`SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${SCHEMA} AND TABLE_NAME = 'schema_version'`,
  );
  return rows.length > 0;
}

/** In order; each may be repeated. The version comes last: with it the schema is complete. */
function statements(): Sql[] {
  return [...tables(), ...views()];
}

const tables = (): Sql[] => [
  sql`CREATE SCHEMA IF NOT EXISTS mysql_innodb_cluster_metadata DEFAULT CHARACTER SET utf8mb4`,
  sql`CREATE TABLE IF NOT EXISTS mysql_innodb_cluster_metadata.clusters (
    cluster_id CHAR(36) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    cluster_name VARCHAR(63) NOT NULL UNIQUE,
    description TEXT,
    options JSON,
    attributes JSON,
    cluster_type ENUM('gr', 'ar') NOT NULL DEFAULT 'gr',
    primary_mode ENUM('pm', 'mm') NOT NULL DEFAULT 'pm',
    router_options JSON,
    clusterset_id CHAR(36) CHARACTER SET ascii)`,
  sql`CREATE TABLE IF NOT EXISTS mysql_innodb_cluster_metadata.instances (
    instance_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    cluster_id CHAR(36) CHARACTER SET ascii NOT NULL,
    address VARCHAR(265) CHARACTER SET ascii NOT NULL,
    mysql_server_uuid CHAR(36) CHARACTER SET ascii NOT NULL UNIQUE,
    instance_name VARCHAR(265) NOT NULL,
    addresses JSON NOT NULL,
    attributes JSON,
    description TEXT)`,
  sql`CREATE TABLE IF NOT EXISTS mysql_innodb_cluster_metadata.routers (
    router_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    router_name VARCHAR(265) NOT NULL,
    product_name VARCHAR(128) NOT NULL,
    address VARCHAR(256) CHARACTER SET ascii NOT NULL,
    version VARCHAR(12),
    last_check_in TIMESTAMP NULL DEFAULT NULL,
    attributes JSON,
    cluster_id CHAR(36) CHARACTER SET ascii,
    options JSON,
    clusterset_id CHAR(36) CHARACTER SET ascii,
    UNIQUE KEY (address, router_name))`,
  sql`CREATE TABLE IF NOT EXISTS mysql_innodb_cluster_metadata.router_stats (
    router_id INT UNSIGNED NOT NULL PRIMARY KEY,
    last_check_in TIMESTAMP NULL DEFAULT NULL)`,
  sql`CREATE TABLE IF NOT EXISTS mysql_innodb_cluster_metadata.router_rest_accounts (
    cluster_id CHAR(36) CHARACTER SET ascii NOT NULL,
    user VARCHAR(256) NOT NULL,
    authentication_method VARCHAR(64) NOT NULL DEFAULT 'modular_crypt_format',
    authentication_string TEXT CHARACTER SET ascii,
    description VARCHAR(255),
    privileges JSON,
    attributes JSON,
    PRIMARY KEY (cluster_id, user))`,
  sql`CREATE TABLE IF NOT EXISTS mysql_innodb_cluster_metadata.routing_guidelines (
    guideline_id CHAR(36) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    guideline JSON,
    cluster_id CHAR(36) CHARACTER SET ascii,
    clusterset_id CHAR(36) CHARACTER SET ascii,
    title VARCHAR(255),
    description TEXT,
    default_guideline BOOLEAN NOT NULL DEFAULT FALSE)`,
  sql`CREATE TABLE IF NOT EXISTS mysql_innodb_cluster_metadata.clustersets (
    clusterset_id CHAR(36) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    domain_name VARCHAR(256) NOT NULL,
    view_id BIGINT UNSIGNED NOT NULL DEFAULT 1,
    options JSON,
    attributes JSON,
    router_options JSON)`,
  sql`CREATE TABLE IF NOT EXISTS mysql_innodb_cluster_metadata.clusterset_members (
    clusterset_id CHAR(36) CHARACTER SET ascii NOT NULL,
    cluster_id CHAR(36) CHARACTER SET ascii NOT NULL,
    member_role ENUM('PRIMARY', 'REPLICA') NOT NULL,
    invalidated BOOLEAN NOT NULL DEFAULT FALSE,
    attributes JSON,
    PRIMARY KEY (clusterset_id, cluster_id))`,
];

/** Readers see them with their own rights. A view may not use @@server_uuid. */
const views = (): Sql[] => [
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_clusters AS
    SELECT cluster_type, primary_mode, cluster_id, cluster_name, description AS comment, options, router_options,
    clusterset_id FROM mysql_innodb_cluster_metadata.clusters`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_gr_clusters AS
    SELECT cluster_type, primary_mode, cluster_id, cluster_name,
    JSON_UNQUOTE(attributes->'$.group_replication_group_name') AS group_name, description AS comment, options,
    router_options, clusterset_id FROM mysql_innodb_cluster_metadata.clusters WHERE cluster_type = 'gr'`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_ar_clusters AS
    SELECT 0 AS view_id, cluster_type, primary_mode, cluster_id, cluster_name, description AS comment, options,
    router_options FROM mysql_innodb_cluster_metadata.clusters WHERE cluster_type = 'ar'`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_instances AS
    SELECT instance_id, cluster_id, instance_name AS label, mysql_server_uuid, address,
    JSON_UNQUOTE(addresses->'$.mysqlClassic') AS endpoint, JSON_UNQUOTE(addresses->'$.mysqlX') AS xendpoint,
    JSON_UNQUOTE(addresses->'$.grLocal') AS grendpoint, attributes FROM mysql_innodb_cluster_metadata.instances`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_ar_members AS
    SELECT 0 AS view_id, i.cluster_id, i.instance_id, i.instance_name AS label, i.mysql_server_uuid AS member_id,
    'SECONDARY' AS member_role, NULL AS master_instance_id, NULL AS master_member_id
    FROM mysql_innodb_cluster_metadata.instances i
    JOIN mysql_innodb_cluster_metadata.v2_ar_clusters c ON c.cluster_id = i.cluster_id`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_this_instance AS
    SELECT i.cluster_id, i.instance_id, c.cluster_name, c.cluster_type
    FROM mysql_innodb_cluster_metadata.instances i
    JOIN mysql_innodb_cluster_metadata.clusters c ON c.cluster_id = i.cluster_id
    JOIN performance_schema.global_variables v ON v.VARIABLE_NAME = 'server_uuid'
      AND v.VARIABLE_VALUE = i.mysql_server_uuid`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_routers AS
    SELECT router_id, router_name, address, product_name, version, last_check_in, attributes, options, cluster_id,
    clusterset_id FROM mysql_innodb_cluster_metadata.routers`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_router_rest_accounts AS
    SELECT cluster_id, user, authentication_method, authentication_string, description, privileges, attributes
    FROM mysql_innodb_cluster_metadata.router_rest_accounts`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_cs_clustersets AS
    SELECT clusterset_id, domain_name, view_id, options, attributes, router_options
    FROM mysql_innodb_cluster_metadata.clustersets`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_cs_members AS
    SELECT m.clusterset_id, s.view_id, m.cluster_id, c.cluster_name, m.member_role, m.invalidated, m.attributes
    FROM mysql_innodb_cluster_metadata.clusterset_members m
    JOIN mysql_innodb_cluster_metadata.clustersets s ON s.clusterset_id = m.clusterset_id
    JOIN mysql_innodb_cluster_metadata.clusters c ON c.cluster_id = m.cluster_id`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.v2_router_options AS
    SELECT r.router_id, r.cluster_id, r.clusterset_id,
    COALESCE(s.router_options, c.router_options, JSON_OBJECT()) AS router_options
    FROM mysql_innodb_cluster_metadata.routers r
    LEFT JOIN mysql_innodb_cluster_metadata.clusters c ON c.cluster_id = r.cluster_id
    LEFT JOIN mysql_innodb_cluster_metadata.clustersets s ON s.clusterset_id = r.clusterset_id`,
  sql`CREATE OR REPLACE SQL SECURITY INVOKER VIEW mysql_innodb_cluster_metadata.schema_version (major, minor, patch) AS
    SELECT 2, 3, 0`,
];
