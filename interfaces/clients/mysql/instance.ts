/**
 * Makes a server ready for a group: plugins, settings, checks.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { Mysql } from "./connection.ts";
import { NotDoneError } from "./errors.ts";
import { addressText, readGroup } from "./members.ts";
import { name, sql } from "./quoting.ts";
import { numberIn, textIn } from "./rows.ts";
import { activePlugins, type Address, readServer, readSettings } from "./status.ts";

/** How a server takes part in a group. */
export interface InstanceSettings extends Address {
  /** UUID. */
  readonly groupName: string;
  /** Members that it may ask to be let in; its own address may be among them. */
  readonly seeds: readonly Address[];
  /** 0 to 100: who becomes primary when the primary is lost; 50 without it. */
  readonly memberWeight?: number;
}

/** The only series that the operations of this client were verified with. */
export const SERIES = "9.7";
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const HOST = /^[A-Za-z0-9._:-]{1,253}$/;
const PLUGINS = [
  { plugin: "group_replication", library: "group_replication.so" },
  { plugin: "clone", library: "mysql_clone.so" },
] as const;
const NEEDED: Readonly<Record<string, string>> = {
  gtid_mode: "ON",
  enforce_gtid_consistency: "ON",
  log_bin: "ON",
  binlog_format: "ROW",
  log_replica_updates: "ON",
  skip_replica_start: "ON",
};

/**
 * Looks for what keeps a server from being a member.
 *
 * @param want where the others will look for it
 * @returns a line per problem; nothing when it fits
 */
export async function checkInstance(db: Mysql, want: Address): Promise<string[]> {
  const facts = await readServer(db);
  const settings = await readSettings(db, Object.keys(NEEDED));
  const problems = Object.entries(NEEDED).filter(([key, value]) => (settings.get(key) ?? value) !== value)
    .map(([key, value]) => `${key} is ${settings.get(key)} instead of ${value}`);
  if (!facts.version.startsWith(`${SERIES}.`)) problems.push(`its version is ${facts.version} instead of ${SERIES}.x`);
  if (facts.serverId === 0) problems.push("server_id is not set");
  if (facts.reportHost !== want.host || facts.reportPort !== want.port) {
    problems.push(`it reports ${addressText({ host: facts.reportHost, port: facts.reportPort })} as its address`);
  }
  const [row] = await db.query(
    "look for tables that cannot be replicated",
    sql`SELECT COUNT(*) AS tables FROM information_schema.TABLES t WHERE t.TABLE_TYPE = 'BASE TABLE'
      AND t.TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
      AND (t.ENGINE <> 'InnoDB' OR NOT EXISTS (SELECT 1 FROM information_schema.STATISTICS s
        WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME AND s.NON_UNIQUE = 0
        GROUP BY s.INDEX_NAME HAVING SUM(s.NULLABLE = 'YES') = 0))`,
  );
  const tables = numberIn(row, "tables");
  if (tables > 0) problems.push(`${tables} tables are not InnoDB or have no primary key`);
  return problems;
}

/**
 * Loads group replication and clone.
 *
 * @returns whether one was missing
 * @throws {ReadOnlyError} when one is missing and the server takes no writes
 */
export async function ensurePlugins(db: Mysql): Promise<boolean> {
  const active = await activePlugins(db);
  const missing = PLUGINS.filter(({ plugin }) => !active.has(plugin));
  for (const { plugin, library } of missing) {
    await db.run(`load the plugin ${plugin}`, sql`INSTALL PLUGIN ${name(plugin)} SONAME ${library}`);
  }
  if (missing.length === 0) return false;
  const loaded = await activePlugins(db);
  if (PLUGINS.some(({ plugin }) => !loaded.has(plugin))) {
    throw new NotDoneError("MySQL does not run the plugins group_replication and clone; read its error log");
  }
  return true;
}

/**
 * Gives a server its place in a group and keeps it there over restarts. It is read-only afterwards, and joins nothing by
 * itself. Settings that are so already are not set again.
 *
 * @returns whether anything changed
 */
export async function configureInstance(db: Mysql, settings: InstanceSettings): Promise<boolean> {
  const { groupName, memberWeight = 50 } = settings;
  if (!UUID.test(groupName)) throw new InputError("a group's name is a UUID in small letters; correct it");
  if (!Number.isInteger(memberWeight) || memberWeight < 0 || memberWeight > 100) {
    throw new InputError("a member's weight is a whole number from 0 to 100; correct it");
  }
  return await persist(db, [
    ["group_replication_communication_stack", "MYSQL"],
    ["group_replication_group_name", groupName],
    ["group_replication_local_address", checkedAddress(settings)],
    ["group_replication_group_seeds", settings.seeds.map(checkedAddress).join(",")],
    ["group_replication_ssl_mode", "REQUIRED"],
    ["group_replication_recovery_use_ssl", "ON"],
    ["group_replication_recovery_get_public_key", "ON"],
    ["group_replication_single_primary_mode", "ON"],
    ["group_replication_member_weight", memberWeight],
    ["group_replication_start_on_boot", "OFF"],
    ["group_replication_exit_state_action", "READ_ONLY"],
    ["super_read_only", "ON"],
  ]);
}

/** An address in the form that group replication takes. @throws {InputError} for what is none */
export function checkedAddress(address: Address): string {
  const { host, port } = address;
  if (HOST.test(host) && Number.isInteger(port) && port > 0 && port < 65536) return addressText(address);
  throw new InputError("a member's address is a host name or IP address and a port from 1 to 65535; correct it");
}

/**
 * Sets what differs, now and for later starts: a variable may be right now and be lost with the next start. Whether an
 * active member takes writes now is its group's business.
 */
async function persist(db: Mysql, wanted: readonly (readonly [string, string | number])[]): Promise<boolean> {
  const now = await readSettings(db, wanted.map(([key]) => key));
  const rows = await db.query(
    "read the persisted settings",
    sql`SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value FROM performance_schema.persisted_variables`,
  );
  const kept = new Map(rows.map((row) => [textIn(row, "name"), textIn(row, "value")]));
  const { self } = await readGroup(db);
  const ofGroup = self?.state === "ONLINE" || self?.state === "RECOVERING";
  let changed = false;
  for (const [key, value] of wanted) {
    const onlyKept = key === "super_read_only" && ofGroup;
    if (kept.get(key) === `${value}` && (onlyKept || now.get(key) === `${value}`)) continue;
    changed = true;
    const variable = name(key);
    await db.run(
      `set ${key}`,
      onlyKept ? sql`SET PERSIST_ONLY ${variable} = ${value}` : sql`SET PERSIST ${variable} = ${value}`,
    );
  }
  return changed;
}
