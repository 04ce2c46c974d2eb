/**
 * What charms ask of a PostgreSQL server. The driver is loaded with the first client.
 *
 * @module
 */
import { ClientError, MissingError, ReplyError } from "../errors.ts";
import { connect, type Connection, type PostgresOptions, type Row } from "./connection.ts";
import { quoteName, quoteText } from "./quote.ts";
import { scramVerifier } from "./scram.ts";

export type { PostgresOptions, PostgresPlace } from "./connection.ts";

/** A server that receives this one's log. */
export interface ReplicationSession {
  /** The replica's member name. */
  readonly name: string;
  readonly user: string;
  /** Absent over the unix socket. */
  readonly address?: string;
  /** `streaming`, `catchup`, `startup`, `backup` or `stopping`. */
  readonly state: string;
  /** `sync`, `async`, `quorum` or `potential`. */
  readonly syncState: string;
  /** Whether the session is encrypted. */
  readonly ssl: boolean;
  /** Such as `TLSv1.3`. */
  readonly tlsVersion?: string;
  /** Bytes that the replica has still to apply. */
  readonly replayLagBytes?: number;
}

/** An open client: `await using server = await openPostgres({ … })`. Every call may throw a `ClientError`. */
export interface Postgres extends AsyncDisposable {
  /** Whether this server accepts encrypted connections. */
  sslEnabled(): Promise<boolean>;
  inRecovery(): Promise<boolean>;
  /** As the server has it; empty without synchronous replication. */
  synchronousStandbyNames(): Promise<string>;
  replication(): Promise<readonly ReplicationSession[]>;
  roleExists(name: string): Promise<boolean>;
  /**
   * Gives a role a new password. The server gets what it would keep of it, so the password is in no log; it has to be
   * the primary and the user a superuser.
   *
   * @throws {MissingError} when there is no such role
   */
  setPassword(role: string, password: string): Promise<void>;
  close(): Promise<void>;
}

const REPLICATION = `
  SELECT r.application_name AS name, r.usename AS user_name, host(r.client_addr) AS address, r.state,
    r.sync_state, coalesce(s.ssl, false) AS ssl, s.version AS tls_version,
    pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
      r.replay_lsn)::float8 AS replay_lag
  FROM pg_stat_replication r LEFT JOIN pg_stat_ssl s USING (pid)
  ORDER BY r.application_name, r.pid`;

/**
 * Opens a client; it connects with the first call. Needs the permissions `net` and `env` (which the driver asks for
 * but whose content changes nothing), and `read` and `write` for a unix socket.
 *
 * @throws {InputError} when place or authority cannot be used
 */
export async function openPostgres(options: PostgresOptions): Promise<Postgres> {
  const connection = await connect(options);
  const one = async (sql: string, ...parameters: string[]): Promise<Row> => {
    const [row] = await connection.query(sql, parameters);
    if (row) return row;
    throw damaged();
  };
  const roleExists = async (name: string): Promise<boolean> => {
    return flag(await one("SELECT count(*) = 1 AS yes FROM pg_roles WHERE rolname = $1", name), "yes");
  };
  return {
    sslEnabled: async () => text(await one("SHOW ssl"), "ssl") === "on",
    inRecovery: async () => flag(await one("SELECT pg_is_in_recovery() AS yes"), "yes"),
    synchronousStandbyNames: async () => {
      return text(await one("SHOW synchronous_standby_names"), "synchronous_standby_names");
    },
    replication: async () => (await connection.query(REPLICATION)).map(readSession),
    roleExists,
    async setPassword(role, password) {
      const [name, verifier] = [quoteName(role), quoteText(await scramVerifier(password))];
      if (!await roleExists(role)) throw new MissingError("there is no such PostgreSQL role; create it first");
      await setVerifier(connection, name, verifier);
    },
    close: connection.close,
    [Symbol.asyncDispose]: connection.close,
  };
}

/** Even what the server keeps of a password is worth guessing at, so no log gets it. */
async function setVerifier(connection: Connection, role: string, verifier: string): Promise<void> {
  try {
    await connection.transaction([
      "SET LOCAL log_statement = 'none'",
      "SET LOCAL log_min_duration_statement = -1",
      "SET LOCAL log_min_duration_sample = -1",
      "SET LOCAL log_min_error_statement = 'panic'",
      "SET LOCAL log_transaction_sample_rate = 0",
      `ALTER ROLE ${role} PASSWORD ${verifier}`,
    ]);
  } catch (error) {
    // A server that goes away in between may have committed: the same password can be set again.
    if (error instanceof ClientError && error.name === "UnreachableError") error.outcomeUnknown = true;
    throw error;
  }
}

function readSession(row: Row): ReplicationSession {
  const { address, tls_version: tlsVersion, replay_lag: lag } = row;
  return {
    name: text(row, "name"),
    user: text(row, "user_name"),
    ...typeof address === "string" ? { address } : {},
    state: text(row, "state"),
    syncState: text(row, "sync_state"),
    ssl: flag(row, "ssl"),
    ...typeof tlsVersion === "string" ? { tlsVersion } : {},
    ...typeof lag === "number" && Number.isFinite(lag) ? { replayLagBytes: Math.max(0, lag) } : {},
  };
}

function text(row: Row, name: string): string {
  const value = row[name] ?? "";
  if (typeof value === "string") return value;
  throw damaged();
}

function flag(row: Row, name: string): boolean {
  const value = row[name];
  if (typeof value === "boolean") return value;
  throw damaged();
}

function damaged(): ReplyError {
  return new ReplyError("PostgreSQL's answer is not what was asked for; check address and version of the server");
}
