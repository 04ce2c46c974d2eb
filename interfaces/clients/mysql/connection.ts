/**
 * One connection of the npm driver `mysql2`, bounded in time; its errors are ours. The driver is loaded with the first
 * connection: hooks that need no SQL do not pay for it.
 *
 * @module
 */
import type { Connection, ConnectionOptions } from "mysql2";
import type { Socket } from "node:net";
import { ClientTimeoutError, InputError, ReplyError, UnreachableError } from "../errors.ts";
import { checkTls } from "../etcd/pem.ts";
import { explainFailure } from "./failure.ts";
import { readStrictly } from "./packets.ts";
import { Sql, sql } from "./quoting.ts";

/** Where a server is: its unix socket, or an address. */
export type MysqlPlace =
  | { readonly socketPath: string }
  | {
    readonly host: string;
    readonly port: number;
    /**
     * Certificates (PEM) that sign the server's, which has to be for this host. `unverified` encrypts only: anybody can
     * answer in the server's place and gets the password.
     */
    readonly tls: { readonly ca: string } | "unverified";
  };

/** How to connect. */
export interface MysqlOptions {
  readonly at: MysqlPlace;
  readonly user: string;
  /** None for users that the server knows by their socket. */
  readonly password?: string;
  /** Milliseconds for connecting and for each statement; 5000 without it. */
  readonly timeoutMs?: number;
}

/** A row: texts, also of numbers, and null; not yet looked at. */
export type Row = Readonly<Record<string, unknown>>;

/** Differs for one statement. */
export interface StatementOptions {
  /** Milliseconds instead of the connection's. */
  readonly timeoutMs?: number;
}

/** An open connection. After a timeout or a lost connection it is of no more use. */
export interface Mysql extends AsyncDisposable {
  /** Such as `10.0.0.1:3306` or `/run/mysqld/mysqld.sock`. */
  readonly endpoint: string;
  /**
   * Reads.
   *
   * @param operation what errors say could not be done, such as `read the group's members`
   */
  query(operation: string, statement: Sql, options?: StatementOptions): Promise<readonly Row[]>;
  /** Changes something: errors whose outcome is unknown say so. @param operation see {@linkcode Mysql.query} */
  run(operation: string, statement: Sql, options?: StatementOptions): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 5000;
const CLOSE_TIMEOUT_MS = 1000;
const MAX_ROWS = 100_000;
/** First bytes of the payload of a server's first packet. */
const GREETING = 10;
const ERROR = 0xff;
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45})$/;
/** No NO_BACKSLASH_ESCAPES and no ANSI_QUOTES: quoting.ts relies on it, whatever the server has. */
const SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

/**
 * Connects.
 *
 * @throws {InputError} when an option cannot be used
 * @throws {ClientError} of the kind that says why there is no connection
 */
export async function connectMysql(options: MysqlOptions): Promise<Mysql> {
  const { timeoutMs = TIMEOUT_MS } = options;
  const endpoint = checkPlace(options.at);
  const driver = await openDriver(options, { endpoint, timeoutMs });
  const connection = new DriverConnection(driver, endpoint, timeoutMs);
  try {
    await connection.run("set up the session", sql`SET SESSION sql_mode = ${SQL_MODE}, SESSION lock_wait_timeout = 30`);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}

class DriverConnection implements Mysql {
  #closed: Promise<void> | undefined;

  constructor(readonly driver: Connection, readonly endpoint: string, readonly timeoutMs: number) {}

  async query(operation: string, statement: Sql, options: StatementOptions = {}): Promise<readonly Row[]> {
    const { timeoutMs = this.timeoutMs } = options;
    const answer = Promise.withResolvers<readonly Row[]>();
    const late = setTimeout(() => {
      answer.reject(new ClientTimeoutError(timeoutMs, [{ endpoint: this.endpoint, reason: `cannot ${operation}` }]));
    }, timeoutMs);
    try {
      this.driver.query({ sql: Sql.textOf(statement) }, (error, rows) => {
        if (error) answer.reject(error);
        else answer.resolve(Array.isArray(rows) ? rows.slice(0, MAX_ROWS) as Row[] : []);
      });
      return await answer.promise;
    } catch (error) {
      const failure = explainFailure(error, { endpoint: this.endpoint, operation, timeoutMs });
      // What the server still does is not waited for: a hung one would hold the hook.
      if (failure instanceof ClientTimeoutError) this.driver.destroy();
      throw failure;
    } finally {
      clearTimeout(late);
    }
  }

  async run(operation: string, statement: Sql, options: StatementOptions = {}): Promise<void> {
    try {
      await this.query(operation, statement, options);
    } catch (error) {
      if (
        error instanceof ClientTimeoutError || error instanceof UnreachableError || error instanceof ReplyError
      ) error.outcomeUnknown = true;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#closed ??= new Promise((resolve) => {
      const late = setTimeout(finish, CLOSE_TIMEOUT_MS);
      const { driver } = this;
      function finish(): void {
        clearTimeout(late);
        driver.destroy();
        resolve();
      }
      driver.end(finish);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Begins what the first connection would else wait for. To be called as early as it is known that there will be one. */
export function prepareDriver(): void {
  // Who connects hears of a failure.
  loadDriver().catch(() => undefined);
}

/** Of the driver only the default export is there also in the bundle of the compiled executable. */
function loadDriver() {
  return Promise.all([import("mysql2"), import("node:net")]);
}

async function openDriver(options: MysqlOptions, at: { endpoint: string; timeoutMs: number }): Promise<Connection> {
  const [{ default: { createConnection } }, { connect }] = await loadDriver();
  const ready = Promise.withResolvers<void>();
  const stream = (): Socket => {
    const place = options.at;
    const socket = "socketPath" in place ? connect(place.socketPath) : connect(place.port, place.host);
    // TLS checks the certificate for this host; connect() sets it for names only, and the driver sets none for addresses.
    if ("host" in place) Object.assign(socket, { _host: place.host });
    // Has no effect before there is a connection; without it a handshake of TLS waits 40 ms for an acknowledgement.
    socket.once("connect", () => socket.setNoDelay(true));
    socket.once("data", (first: Uint8Array) => {
      if (startsLikeMysql(first)) return;
      ready.reject(new ReplyError(`what answers at ${at.endpoint} is not MySQL; check address and port`));
      socket.destroy();
    });
    return socket;
  };
  const driver = createConnection({ ...driverOptions(options, at.timeoutMs), stream });
  readStrictly(driver);
  const late = setTimeout(() => {
    ready.reject(new ClientTimeoutError(at.timeoutMs, [{ endpoint: at.endpoint, reason: "no answer" }]));
  }, at.timeoutMs);
  driver.once("connect", () => ready.resolve());
  // Stays for the connection's life: without a listener an error between two statements would end the process.
  driver.on("error", (error) => ready.reject(error));
  try {
    await ready.promise;
    return driver;
  } catch (error) {
    driver.destroy();
    throw explainFailure(error, { ...at, operation: "connect" });
  } finally {
    clearTimeout(late);
  }
}

/** A first packet is short, has number 0 and is a greeting of protocol 10 or an error. */
function startsLikeMysql(bytes: Uint8Array): boolean {
  const [, , high = 0, number = 0, kind = GREETING] = bytes;
  return high === 0 && number === 0 && (kind === GREETING || kind === ERROR);
}

/** Every option that the driver would else take from a default that does not fit is given. */
function driverOptions({ at, user, password }: MysqlOptions, timeoutMs: number): ConnectionOptions {
  const remote = "host" in at;
  return {
    ...remote ? { host: at.host, port: at.port } : { socketPath: at.socketPath },
    ...remote && {
      ssl: at.tls === "unverified"
        ? { rejectUnauthorized: false }
        : { ca: at.tls.ca, rejectUnauthorized: true, verifyIdentity: true, minVersion: "TLSv1.2" },
    },
    user,
    password: password ?? "",
    charset: "utf8mb4",
    connectTimeout: timeoutMs,
    multipleStatements: false,
    // Everything as text in the connection's character set, whatever a strange server says of its columns.
    typeCast: (field) => field.string("utf8"),
    dateStrings: true,
    // Making code for the columns of a statement does not pay where few statements are repeated.
    disableEval: true,
    enableKeepAlive: false,
    flags: ["-LOCAL_FILES", "-FOUND_ROWS"],
    connectAttributes: { program_name: "charm" },
  };
}

function checkPlace(at: MysqlPlace): string {
  if ("socketPath" in at) {
    if (!/^\/[\x21-\x7e]{1,106}$/.test(at.socketPath)) {
      throw new InputError("MySQL's socket is an absolute path of at most 107 characters; correct it");
    }
    return at.socketPath;
  }
  if (!Number.isInteger(at.port) || at.port < 1 || at.port > 65535) {
    throw new InputError("MySQL's port cannot be used; give a number from 1 to 65535");
  }
  if (!HOST.test(at.host)) throw new InputError("MySQL's address is a host name or an IP address; correct it");
  if (at.tls !== "unverified") checkTls({ ca: at.tls.ca });
  return `${at.host.includes(":") ? `[${at.host}]` : at.host}:${at.port}`;
}
