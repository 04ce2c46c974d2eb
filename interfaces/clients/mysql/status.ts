/**
 * What servers and their group say of themselves; nothing here changes anything.
 *
 * @module
 */
import { MissingError } from "../errors.ts";
import type { Mysql } from "./connection.ts";
import { sql } from "./quoting.ts";
import { flagIn, numberIn, textIn } from "./rows.ts";

/** A server's address for members and clients. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A server, from its own point of view. */
export interface ServerFacts {
  readonly uuid: string;
  readonly serverId: number;
  /** Without a distribution's suffix, such as `9.7.4`. */
  readonly version: string;
  readonly superReadOnly: boolean;
  /** Transactions that it has executed. */
  readonly gtidExecuted: string;
  /** Those of them that it can no longer give to others. */
  readonly gtidPurged: string;
  readonly reportHost: string;
  readonly reportPort: number;
  /** Empty before the server is configured. */
  readonly groupName: string;
  /** Whether the server joins its group by itself when it starts. */
  readonly startOnBoot: boolean;
  readonly plugins: { readonly groupReplication: boolean; readonly clone: boolean };
}

/** Asynchronous replication, or a channel of the group itself. */
export interface Channel {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly receiver: "ON" | "OFF" | "CONNECTING";
  readonly applier: "ON" | "OFF";
  /** MySQL's number of the receiver's last error, else of the applier's; 0 without one. */
  readonly errorNumber: number;
  /** Transactions that have arrived, applied or not. */
  readonly receivedSet: string;
}

/** Names that a version may have behind its number, such as `-2` or `-0ubuntu0.24.04.1`. */
export function plainVersion(version: string): string {
  return /^\d+\.\d+\.\d+/.exec(version)?.[0] ?? version;
}

/** Reads what a server says of itself. */
export async function readServer(db: Mysql): Promise<ServerFacts> {
  // Variables of a plugin are not there before it is loaded.
  const variable = (name: string) =>
    sql`(SELECT VARIABLE_VALUE FROM performance_schema.global_variables WHERE VARIABLE_NAME = ${name})`;
  const [row] = await db.query(
    "read the server's state",
    sql`SELECT @@server_uuid AS uuid, @@server_id AS id, VERSION() AS version, @@global.super_read_only AS read_only,
      @@global.gtid_executed AS executed, @@global.gtid_purged AS purged, @@report_host AS host, @@report_port AS port,
      ${variable("group_replication_group_name")} AS group_name,
      ${variable("group_replication_start_on_boot")} AS start_on_boot,
      (SELECT GROUP_CONCAT(PLUGIN_NAME) FROM information_schema.PLUGINS WHERE PLUGIN_STATUS = 'ACTIVE'
        AND PLUGIN_NAME IN ('group_replication', 'clone')) AS plugins`,
  );
  const plugins = textIn(row, "plugins").split(",");
  return {
    uuid: textIn(row, "uuid"),
    serverId: numberIn(row, "id"),
    version: plainVersion(textIn(row, "version")),
    superReadOnly: flagIn(row, "read_only"),
    gtidExecuted: oneLine(textIn(row, "executed")),
    gtidPurged: oneLine(textIn(row, "purged")),
    reportHost: textIn(row, "host"),
    reportPort: numberIn(row, "port"),
    groupName: textIn(row, "group_name"),
    startOnBoot: flagIn(row, "start_on_boot"),
    plugins: { groupReplication: plugins.includes("group_replication"), clone: plugins.includes("clone") },
  };
}

/** Global variables as they are now; those that the server does not have are left out. */
export async function readSettings(db: Mysql, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query(
    "read the server's settings",
    sql`SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value FROM performance_schema.global_variables
      WHERE FIND_IN_SET(VARIABLE_NAME, ${names.join(",")})`,
  );
  return new Map(rows.map((row) => [textIn(row, "name"), textIn(row, "value")]));
}

/** Names of the plugins that work. */
export async function activePlugins(db: Mysql): Promise<ReadonlySet<string>> {
  const rows = await db.query(
    "read the server's plugins",
    sql`SELECT PLUGIN_NAME AS name FROM information_schema.PLUGINS WHERE PLUGIN_STATUS = 'ACTIVE'
      AND PLUGIN_NAME IN ('group_replication', 'clone')`,
  );
  return new Set(rows.map((row) => textIn(row, "name")));
}

/** Whether a START GROUP_REPLICATION that somebody gave still runs: it may take a minute, and goes on by itself. */
export async function startInProgress(db: Mysql): Promise<boolean> {
  const rows = await db.query(
    "look for a start of group replication",
    sql`SELECT 1 FROM performance_schema.processlist WHERE ID <> CONNECTION_ID()
      AND INFO LIKE 'START GROUP_REPLICATION%' LIMIT 1`,
  );
  return rows.length > 0;
}

/** Databases that are not the server's own. */
export async function userDatabases(db: Mysql): Promise<string[]> {
  const rows = await db.query(
    "read the databases",
    sql`SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN
      ('information_schema', 'mysql', 'mysql_innodb_cluster_metadata', 'performance_schema', 'sys') ORDER BY 1`,
  );
  return rows.map((row) => textIn(row, "name"));
}

/** The channels that a server was told of. */
export async function readChannels(db: Mysql): Promise<Channel[]> {
  const rows = await db.query(
    "read the channels",
    sql`SELECT c.CHANNEL_NAME AS name, c.HOST AS host, c.PORT AS port, c.USER AS user, r.SERVICE_STATE AS receiver,
      a.SERVICE_STATE AS applier, r.RECEIVED_TRANSACTION_SET AS received, r.LAST_ERROR_NUMBER AS receiver_error,
      (SELECT COALESCE(MAX(w.LAST_ERROR_NUMBER), 0) FROM performance_schema.replication_applier_status_by_worker w
        WHERE w.CHANNEL_NAME = c.CHANNEL_NAME) AS applier_error
      FROM performance_schema.replication_connection_configuration c
      JOIN performance_schema.replication_connection_status r USING (CHANNEL_NAME)
      JOIN performance_schema.replication_applier_status a USING (CHANNEL_NAME)`,
  );
  return rows.map((row) => ({
    name: textIn(row, "name"),
    host: textIn(row, "host"),
    port: numberIn(row, "port"),
    user: textIn(row, "user"),
    receiver: oneOf(textIn(row, "receiver"), ["ON", "CONNECTING"], "OFF"),
    applier: oneOf(textIn(row, "applier"), ["ON"], "OFF"),
    errorNumber: numberIn(row, "receiver_error") || numberIn(row, "applier_error"),
    receivedSet: oneLine(textIn(row, "received")),
  }));
}

/** What is read from a table of a plugin or a schema; nothing when the server does not have it. */
export async function orNone<T>(reading: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof MissingError) return [];
    throw error;
  }
}

function oneOf<T extends string>(value: string, known: readonly T[], otherwise: T): T;
function oneOf<T extends string, O extends string>(value: string, known: readonly T[], otherwise: O): T | O;
function oneOf(value: string, known: readonly string[], otherwise: string): string {
  return known.includes(value) ? value : otherwise;
}

/** Servers break long sets of transaction ids into lines. */
export function oneLine(set: string): string {
  return set.replace(/\s+/g, "");
}
