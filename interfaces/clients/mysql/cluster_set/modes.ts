/**
 * Whether a cluster takes writes: now, and when it elects another primary.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import { OPEN_PRIMARY } from "../fencing.ts";
import { GtidSet } from "../gtid.ts";
import { sql } from "../quoting.ts";
import { flagIn, numberIn, textIn } from "../rows.ts";
import { oneLine } from "../status.ts";
import { ClusterSetRefusedError } from "./errors.ts";

/** Who may write at a server. */
export interface Mode {
  /** Nobody may. */
  readonly superReadOnly: boolean;
  /** Administrators may, clients may not. */
  readonly readOnly: boolean;
  /** A new primary opens itself for writes. */
  readonly opening: boolean;
}

/** Beside the server's own time for a statement. */
const MARGIN_MS = 5000;

/** Reads who may write. */
export async function readMode(db: Mysql): Promise<Mode> {
  const [row] = await db.query(
    "read who may write",
    sql`SELECT @@global.super_read_only AS super_read_only, @@global.read_only AS read_only,
      COALESCE((SELECT enabled FROM performance_schema.replication_group_member_actions
        WHERE name = ${OPEN_PRIMARY} AND event = 'AFTER_PRIMARY_ELECTION'), 1) AS opening`,
  );
  return {
    superReadOnly: flagIn(row, "super_read_only"),
    readOnly: flagIn(row, "read_only"),
    opening: flagIn(row, "opening"),
  };
}

/** The server's transactions, and those of them that it can no longer pass on, each in one line. */
export async function executedAndPurged(db: Mysql): Promise<{ readonly executed: string; readonly purged: string }> {
  const [row] = await db.query(
    "read the executed transactions",
    sql`SELECT @@global.gtid_executed AS executed, @@global.gtid_purged AS purged`,
  );
  return { executed: oneLine(textIn(row, "executed")), purged: oneLine(textIn(row, "purged")) };
}

/** The server's transactions, in one line. */
export async function executedSet(db: Mysql): Promise<string> {
  const [row] = await db.query("read the executed transactions", sql`SELECT @@global.gtid_executed AS executed`);
  return oneLine(textIn(row, "executed"));
}

/** Closes a server for everybody, or lets administrators write: clients then still may not. */
export async function setSuperReadOnly(db: Mysql, on: boolean, patienceMs: number = MARGIN_MS): Promise<void> {
  const statement = on ? sql`SET GLOBAL super_read_only = ON` : sql`SET GLOBAL super_read_only = OFF`;
  // Closing waits for commits that have begun. The server gives up first: it would else do so when we no longer look.
  if (on) {
    await db.run("limit the wait", sql`SET SESSION lock_wait_timeout = ${secondsOf(patienceMs)}`);
  }
  await db.run(on ? "close the server" : "unlock the server", statement, { timeoutMs: patienceMs + MARGIN_MS });
}

/** Writes as an administrator where clients may not: a closed server is closed again afterwards. */
export async function whileUnlocked<T>(db: Mysql, work: () => Promise<T>): Promise<T> {
  if (!(await readMode(db)).superReadOnly) return await work();
  await setSuperReadOnly(db, false);
  try {
    return await work();
  } finally {
    await setSuperReadOnly(db, true);
  }
}

/** What a new primary does. The server must not be super_read_only; the others of its group follow. */
export async function setOpening(db: Mysql, on: boolean): Promise<void> {
  await db.query(
    on ? "let new primaries open" : "keep new primaries closed",
    on
      ? sql`SELECT group_replication_enable_member_action(${OPEN_PRIMARY}, 'AFTER_PRIMARY_ELECTION')`
      : sql`SELECT group_replication_disable_member_action(${OPEN_PRIMARY}, 'AFTER_PRIMARY_ELECTION')`,
  );
}

/** Lets clients write. */
export async function openForAll(db: Mysql): Promise<void> {
  await db.run("open the server", sql`SET GLOBAL read_only = OFF`);
}

/**
 * Waits until a server has executed transactions.
 *
 * @param look called once a second meanwhile: what it throws ends the wait
 * @throws {ClusterSetRefusedError} when it has not in time
 */
export async function awaitSet(
  db: Mysql,
  set: string,
  patienceMs: number,
  look: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const wanted = `${GtidSet.parse(set)}`;
  const seconds = secondsOf(patienceMs);
  for (let waited = 0; waited < seconds; waited++) {
    const [row] = await db.query(
      "wait for transactions",
      sql`SELECT WAIT_FOR_EXECUTED_GTID_SET(${wanted}, 1) AS late`,
      { timeoutMs: 1000 + MARGIN_MS },
    );
    if (numberIn(row, "late") === 0) return;
    await look();
  }
  throw new ClusterSetRefusedError(
    `MySQL at ${db.endpoint} has not caught up within ${seconds} s: wait until replication is no longer behind`,
  );
}

/** The server counts in whole seconds. */
function secondsOf(patienceMs: number): number {
  return Math.max(1, Math.ceil(patienceMs / 1000));
}
