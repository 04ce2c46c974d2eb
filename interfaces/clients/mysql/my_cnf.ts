/**
 * The server's own files: my.cnf, the statements of its first start, its arguments.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** Files of a server's certificate, each an absolute path. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What my.cnf says. */
export interface MyCnf {
  /** Unique in all clusters that may ever replicate from each other: see {@linkcode serverIdFor}. */
  readonly serverId: number;
  /** Address by which other members and clients reach this server. */
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly socketPath: string;
  readonly pidFile: string;
  readonly errorLog: string;
  /** User of the machine that the server runs as. */
  readonly user: string;
  /** Addresses to listen on; all without it. Group replication has to find `host` among them. */
  readonly bindAddresses?: readonly string[];
  /** MiB; 128 without it. */
  readonly bufferPoolMiB?: number;
  readonly maxConnections?: number;
  /** Seconds until binary logs are purged; the server's default without it. */
  readonly binlogExpireSeconds?: number;
  /** Without it the server makes certificates that nobody can check. */
  readonly tls?: TlsFiles;
  /** More settings, such as `innodb_flush_method: "fsync"`; they may replace none of the others. */
  readonly more?: Readonly<Record<string, string>>;
}

const PATH = /^\/[A-Za-z0-9._+@/-]{1,400}$/;
const ADDRESS = /^[A-Za-z0-9._:-]{1,253}$/;
const USER = /^[a-z_][a-z0-9_.-]{0,31}$/i;
const OPTION = /^[a-z][a-z0-9_]{1,63}$/;
const VALUE = /^[A-Za-z0-9_.,:/+@=* -]{0,400}$/;

/**
 * The text of my.cnf. It holds no secret; mode 0600 keeps others from reading where the server keeps its files.
 *
 * @throws {InputError} that says which setting cannot be used
 */
export function renderMyCnf(options: MyCnf): string {
  const settings = new Map<string, string>([
    ["user", fits("user", options.user, USER)],
    ["server_id", whole("server id", options.serverId, 1, 4_294_967_295)],
    ["port", whole("port", options.port, 1, 65535)],
    ["report_host", fits("host", options.host, ADDRESS)],
    ["report_port", `${options.port}`],
    ["datadir", fits("data directory", options.dataDirectory, PATH)],
    ["socket", fits("socket", options.socketPath, PATH)],
    ["pid_file", fits("pid file", options.pidFile, PATH)],
    ["log_error", fits("error log", options.errorLog, PATH)],
    ["bind_address", (options.bindAddresses ?? ["*"]).map((each) => bindAddress(each)).join(",")],
    // The X protocol would need a port and socket of its own.
    ["mysqlx", "OFF"],
    ["gtid_mode", "ON"],
    ["enforce_gtid_consistency", "ON"],
    // Stays the same when the machine's name changes. Binary logs do so anyway; named here, they would start too early.
    ["relay_log", "relay-bin"],
    // Until the plugin is there the setting means nothing: `loose_`.
    ["loose_group_replication_start_on_boot", "OFF"],
    // A channel that starts by itself after a clone keeps the server out of its group.
    ["skip_replica_start", "ON"],
    ["disabled_storage_engines", "MyISAM,BLACKHOLE,FEDERATED,ARCHIVE,MEMORY"],
    ["skip_name_resolve", "ON"],
    ["local_infile", "OFF"],
    ["secure_file_priv", "NULL"],
    ["plugin_load_add", "auth_socket.so"],
    ["innodb_buffer_pool_size", `${whole("buffer pool", options.bufferPoolMiB ?? 128, 16, 1024 * 1024)}M`],
  ]);
  if (options.maxConnections !== undefined) {
    settings.set("max_connections", whole("most connections", options.maxConnections, 10, 100_000));
  }
  if (options.binlogExpireSeconds !== undefined) {
    settings.set("binlog_expire_logs_seconds", whole("binlog age", options.binlogExpireSeconds, 0, 4_294_967_295));
  }
  for (const [key, path] of Object.entries(options.tls ?? {})) {
    settings.set(`ssl_${key}`, fits(`TLS ${key}`, path, PATH));
  }
  for (const [key, value] of Object.entries(options.more ?? {})) {
    if (!OPTION.test(key)) throw new InputError(`${JSON.stringify(key)} is no MySQL setting; write it with _ and a-z`);
    if (settings.has(key)) throw new InputError(`the MySQL setting ${key} is not yours to change; take it out`);
    settings.set(key, fits(`setting ${key}`, value, VALUE));
  }
  return `[mysqld]\n${[...settings].map(([key, value]) => `${key} = ${value}\n`).join("")}`;
}

/**
 * Statements for the first start, which leave no transaction behind: root of this machine is the server's root, by the
 * socket and without a password.
 */
export function renderInitFile(): string {
  // ALTER USER would want the plugin, which is not there while the data directory is made.
  return "SET SESSION sql_log_bin = 0;\nUPDATE mysql.user SET plugin = 'auth_socket', authentication_string = '' " +
    "WHERE User = 'root' AND Host = 'localhost';\n";
}

/** Arguments of `mysqld` that make the data directory, which has to be empty or missing. */
export function initializeArguments(paths: { readonly myCnf: string; readonly initFile: string }): string[] {
  return [...serverArguments(paths), "--initialize-insecure", `--init-file=${paths.initFile}`];
}

/** Arguments of `mysqld` that serve. */
export function serverArguments({ myCnf }: { readonly myCnf: string }): string[] {
  return [`--defaults-file=${myCnf}`];
}

/**
 * Deletes what a server that was killed left beside its socket. It names a process, and a new server ends at once when
 * there is one of that number, be it another program's or a dead one's. Only for a server that does not run.
 */
export async function removeSocketLock(socketPath: string): Promise<void> {
  try {
    await Deno.remove(`${socketPath}.lock`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** A server id out of what names a server in all the world, such as a model's UUID and a unit's name. */
export function serverIdFor(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  // 0 is none; small numbers are left to people.
  return (hash >>> 0) % (4_294_967_295 - 1000) + 1000;
}

function bindAddress(address: string): string {
  return address === "*" ? address : fits("bind address", address, ADDRESS);
}

function fits(what: string, value: string, pattern: RegExp): string {
  if (pattern.test(value) && !value.split("/").includes("..")) return value;
  throw new InputError(`the ${what} for my.cnf has characters that it may not have; correct it`);
}

function whole(what: string, value: number, least: number, most: number): string {
  if (Number.isInteger(value) && value >= least && value <= most) return `${value}`;
  throw new InputError(`the ${what} for my.cnf is a whole number from ${least} to ${most}; correct it`);
}
