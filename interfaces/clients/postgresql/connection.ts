/**
 * One connection of the npm driver `postgres`, bounded in time; its errors are ours.
 *
 * @module
 */
import type { Options, Sql } from "postgres";
import { ClientTimeoutError, InputError } from "../errors.ts";
import { checkTls } from "../etcd/pem.ts";
import { explainFailure } from "./failure.ts";

/** Where a server is: its unix socket, or an address. */
export type PostgresPlace =
  | { readonly socketDirectory: string; readonly port: number }
  | {
    readonly host: string;
    readonly port: number;
    /** PEM; with it the connection is encrypted, and chain and address are checked. Without it it is in clear. */
    readonly ca?: string;
  };

/** How to connect. */
export interface PostgresOptions {
  readonly at: PostgresPlace;
  readonly user: string;
  readonly password?: string;
  /** `postgres` without it. */
  readonly database?: string;
  /** Milliseconds for connecting and for each query; 3000 without it. */
  readonly timeoutMs?: number;
}

/** A row: texts, numbers and booleans, not yet looked at. */
export type Row = Readonly<Record<string, unknown>>;

/** Runs statements. */
export interface Connection {
  /** One statement with parameters `$1`, `$2` … */
  query(sql: string, parameters?: readonly (string | number)[]): Promise<readonly Row[]>;
  /** All statements or none. A failure whose outcome is unknown says so. */
  transaction(statements: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 3000;
const MAX_ROWS = 10_000;
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45})$/;

/**
 * Prepares a connection; it is made with the first statement.
 *
 * @throws {InputError} when place or authority cannot be used
 */
export async function connect(options: PostgresOptions): Promise<Connection> {
  const { at, timeoutMs = TIMEOUT_MS } = options;
  const endpoint = checkPlace(at);
  const { default: postgres } = await import("postgres");
  const sql: Sql = postgres(driverOptions(options, timeoutMs));
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => closed ??= sql.end({ timeout: 0 });

  const bounded = async <T>(work: Promise<T>): Promise<T> => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new ClientTimeoutError(timeoutMs, [{ endpoint, reason: "no answer" }]));
    }, timeoutMs);
    try {
      return await Promise.race([work, late.promise]);
    } catch (error) {
      const failure = explainFailure(error, { endpoint, timeoutMs });
      // What the server still does is not waited for: a hung one would hold the hook.
      if (failure instanceof ClientTimeoutError) await close();
      throw failure;
    } finally {
      clearTimeout(timer);
      work.catch(() => {});
    }
  };

  return {
    async query(text, parameters = []) {
      const rows = await bounded(sql.unsafe(text, [...parameters]).execute());
      return rows.slice(0, MAX_ROWS);
    },
    async transaction(statements) {
      try {
        await bounded(sql.begin(async (transaction) => {
          for (const statement of statements) await transaction.unsafe(statement);
        }));
      } catch (error) {
        if (error instanceof ClientTimeoutError) error.outcomeUnknown = true;
        throw error;
      }
    },
    close,
  };
}

/** Every option that the driver would else take from the environment is given. */
function driverOptions({ at, user, password, database }: PostgresOptions, timeoutMs: number): Options<never> {
  const socket = "socketDirectory" in at;
  const name = database ?? "postgres";
  return {
    ...socket ? { host: at.socketDirectory } : { host: at.host },
    port: at.port,
    user,
    // An empty one would be taken from the environment; without a password none is asked for.
    password: password ?? "none",
    database: name,
    // The driver tells Deno no name for an IP address, and Deno would then take a certificate for localhost.
    ssl: !socket && at.ca !== undefined ? { ca: at.ca, rejectUnauthorized: true, host: at.host } : false,
    max: 1,
    connect_timeout: Math.ceil(timeoutMs / 1000),
    idle_timeout: 0,
    max_lifetime: null,
    backoff: false,
    keep_alive: null,
    prepare: false,
    fetch_types: false,
    debug: false,
    onnotice: () => {},
    connection: { application_name: "charm", statement_timeout: timeoutMs },
  };
}

function checkPlace(at: PostgresPlace): string {
  if (!Number.isInteger(at.port) || at.port < 1 || at.port > 65535) {
    throw new InputError("PostgreSQL's port cannot be used; give a number from 1 to 65535");
  }
  if ("socketDirectory" in at) {
    if (!/^\/[\x21-\x7e]{1,90}$/.test(at.socketDirectory)) {
      throw new InputError("PostgreSQL's socket directory is an absolute path of at most 90 characters; correct it");
    }
    return `${at.socketDirectory}:${at.port}`;
  }
  if (!HOST.test(at.host)) throw new InputError("PostgreSQL's address is a host name or an IP address; correct it");
  if (at.ca !== undefined) checkTls({ ca: at.ca });
  return `${at.host.includes(":") ? `[${at.host}]` : at.host}:${at.port}`;
}
