/**
 * Users of the servers: what each role may do, how they are made and get new passwords.
 *
 * @module
 */
import { AuthenticationError } from "../errors.ts";
import { connectMysql, type Mysql, type MysqlOptions } from "./connection.ts";
import { NotDoneError } from "./errors.ts";
import { readGroup } from "./members.ts";
import { SCHEMA } from "./metadata_schema.ts";
import { account as accountOf, name, Sql, sql } from "./quoting.ts";
import { textIn } from "./rows.ts";

/**
 * `admin` runs the cluster and may make users, also Router's when it bootstraps; `recovery` is what members copy data
 * from each other with; `router` is what a Router runs with.
 */
export type AccountRole = "admin" | "recovery" | "router";

/** A user of the server. */
export interface Account {
  readonly user: string;
  /** Where it comes from, such as `%`. */
  readonly host: string;
  readonly password: string;
  readonly role: AccountRole;
}

/** Whether a change goes to the other members of the group. */
export interface ReplicateOption {
  /**
   * True on the primary of a group. False before a server is in its group: a transaction of its own would keep it out
   * for ever.
   */
  readonly replicate: boolean;
}

/** Part of what a role may do. */
interface Grant {
  readonly what: Sql;
  readonly on: Sql;
  /** Whether it may hand these on. */
  readonly handOn?: true;
}

const PERFORMANCE = sql`performance_schema.*`;
const ROUTER_TABLES = ["routers", "v2_routers", "router_stats"] as const;

/** All that the operations of this client need, and what Router wants to hand on when it bootstraps. */
const ADMIN = sql`SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, EXECUTE, EVENT, TRIGGER, \
CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE TEMPORARY TABLES, LOCK TABLES, SHOW DATABASES, \
CREATE USER, CREATE ROLE, DROP ROLE, PROCESS, RELOAD, SHUTDOWN, REPLICATION CLIENT, REPLICATION SLAVE, BACKUP_ADMIN, \
CLONE_ADMIN, CONNECTION_ADMIN, GROUP_REPLICATION_ADMIN, GROUP_REPLICATION_STREAM, PERSIST_RO_VARIABLES_ADMIN, \
REPLICATION_APPLIER, REPLICATION_SLAVE_ADMIN, ROLE_ADMIN, SYSTEM_VARIABLES_ADMIN`;
const RECOVERY = sql`REPLICATION SLAVE, BACKUP_ADMIN, CONNECTION_ADMIN, GROUP_REPLICATION_STREAM`;

const GRANTS: Readonly<Record<AccountRole, readonly Grant[]>> = {
  admin: [{ what: ADMIN, on: sql`*.*`, handOn: true }],
  recovery: [{ what: RECOVERY, on: sql`*.*` }, { what: sql`SELECT`, on: PERFORMANCE }],
  router: [
    { what: sql`SELECT`, on: PERFORMANCE },
    { what: sql`SELECT, EXECUTE`, on: sql`${name(SCHEMA)}.*` },
    ...ROUTER_TABLES.map((table) => ({ what: sql`INSERT, UPDATE, DELETE`, on: sql`${name(SCHEMA)}.${name(table)}` })),
  ],
};

/**
 * Makes a user and gives it what its role needs. A user that is there keeps its password.
 *
 * @returns whether anything changed
 * @throws {ReadOnlyError} on a server that is not the primary
 */
export async function ensureAccount(db: Mysql, account: Account, { replicate }: ReplicateOption): Promise<boolean> {
  const exists = await accountExists(db, account);
  if (exists && await hasGrants(db, account)) return false;
  const who = accountOf(account.user, account.host);
  await withLogging(db, replicate, async () => {
    if (!exists) {
      await db.run(
        "create the user",
        sql`CREATE USER IF NOT EXISTS ${who} IDENTIFIED WITH caching_sha2_password BY ${account.password}`,
      );
    }
    for (const grant of GRANTS[account.role]) await db.run("grant privileges", grantStatement(grant, who));
  });
  return true;
}

/** Whether the server has this user. */
export async function accountExists(db: Mysql, { user, host }: Pick<Account, "user" | "host">): Promise<boolean> {
  const rows = await db.query("read users", sql`SELECT 1 FROM mysql.user WHERE User = ${user} AND Host = ${host}`);
  return rows.length > 0;
}

/**
 * Gives a user a new password.
 *
 * @throws {ServerError} when there is no such user
 * @throws {ReadOnlyError} on a server that is not the primary
 */
export async function setPassword(
  db: Mysql,
  { user, host, password }: Pick<Account, "user" | "host" | "password">,
  { replicate }: ReplicateOption = { replicate: true },
): Promise<void> {
  const statement = sql`ALTER USER ${accountOf(user, host)} IDENTIFIED WITH caching_sha2_password BY ${password}`;
  await withLogging(db, replicate, () => db.run("change the user's password", statement));
}

/**
 * Gives a user of a stopped member the password that the group has by now. Without it a member that was down while the
 * recovery user got a new password cannot come back: the others log in at it, and it does not know the new one yet. The
 * change that the group made comes later and does no harm.
 *
 * @throws {NotDoneError} when the server is an active member: its group tells it
 */
export async function setOfflinePassword(
  db: Mysql,
  account: Pick<Account, "user" | "host" | "password">,
): Promise<void> {
  const { self } = await readGroup(db);
  if (self && self.state !== "OFFLINE") {
    throw new NotDoneError(`MySQL at ${db.endpoint} is ${self.state} in its group: change the password on the primary`);
  }
  // The plain read_only stays: nobody else can write meanwhile.
  await db.run("open the server for a password", sql`SET GLOBAL read_only = ON, GLOBAL super_read_only = OFF`);
  try {
    await setPassword(db, account, { replicate: false });
  } finally {
    await db.run("close the server again", sql`SET GLOBAL super_read_only = ON`);
  }
}

/** Drops a user. @returns false when it was not there */
export async function dropAccount(
  db: Mysql,
  account: Pick<Account, "user" | "host">,
  { replicate }: ReplicateOption = { replicate: true },
): Promise<boolean> {
  if (!await accountExists(db, account)) return false;
  const statement = sql`DROP USER IF EXISTS ${accountOf(account.user, account.host)}`;
  await withLogging(db, replicate, () => db.run("drop the user", statement));
  return true;
}

/**
 * Tells this server with whom it gets missing data from other members. On every member, after every new password of that
 * user: the server cannot say which password it has.
 */
export async function setRecoveryCredentials(
  db: Mysql,
  { user, password }: Pick<Account, "user" | "password">,
): Promise<void> {
  await db.run(
    "set the recovery user",
    sql`CHANGE REPLICATION SOURCE TO SOURCE_USER = ${user}, SOURCE_PASSWORD = ${password}
      FOR CHANNEL 'group_replication_recovery'`,
  );
}

/** The recovery user that this server was told; empty without one. */
export async function recoveryUser(db: Mysql): Promise<string> {
  const rows = await db.query(
    "read the recovery user",
    sql`SELECT USER AS user FROM performance_schema.replication_connection_configuration
      WHERE CHANNEL_NAME = 'group_replication_recovery'`,
  );
  return rows.length === 0 ? "" : textIn(rows[0], "user");
}

/** Whether the server lets this user in. @throws {ClientError} when it cannot be asked */
export async function checkPassword(options: MysqlOptions): Promise<boolean> {
  try {
    await using _ = await connectMysql(options);
    return true;
  } catch (error) {
    if (error instanceof AuthenticationError) return false;
    throw error;
  }
}

async function hasGrants(db: Mysql, { user, host, role }: Account): Promise<boolean> {
  const who = `'${user}'@'${host}'`;
  const rows = await db.query(
    "read privileges",
    sql`SELECT PRIVILEGE_TYPE AS privilege, '*.*' AS place FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ${who}
      UNION ALL SELECT PRIVILEGE_TYPE, CONCAT(TABLE_SCHEMA, '.*') FROM information_schema.SCHEMA_PRIVILEGES
        WHERE GRANTEE = ${who}
      UNION ALL SELECT PRIVILEGE_TYPE, CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.TABLE_PRIVILEGES
        WHERE GRANTEE = ${who}`,
  );
  const has = new Set(rows.map((row) => `${textIn(row, "privilege")} ${textIn(row, "place")}`));
  return GRANTS[role].every(({ what, on }) => {
    const place = Sql.textOf(on).replaceAll("`", "");
    return Sql.textOf(what).split(", ").every((privilege) => has.has(`${privilege} ${place}`));
  });
}

function grantStatement({ what, on, handOn }: Grant, who: Sql): Sql {
  return handOn ? sql`GRANT ${what} ON ${on} TO ${who} WITH GRANT OPTION` : sql`GRANT ${what} ON ${on} TO ${who}`;
}

async function withLogging(db: Mysql, replicate: boolean, work: () => Promise<void>): Promise<void> {
  if (replicate) return await work();
  await db.run("keep a change out of the binary log", sql`SET SESSION sql_log_bin = 0`);
  try {
    await work();
  } finally {
    // Fails only where the connection has ended, and the session with it.
    await db.run("log changes again", sql`SET SESSION sql_log_bin = 1`).catch(() => undefined);
  }
}
