/**
 * One change of a cluster set at a time: a named lock at the primary cluster's primary. It lives as long as the
 * connection, so whoever crashes gives it back.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { sql } from "../quoting.ts";
import { flagIn, numberIn, textIn } from "../rows.ts";
import type { Address } from "../status.ts";
import { CONNECT_MS, type SetAccess } from "./access.ts";
import { ClusterSetLockedError } from "./errors.ts";

/** Held until it is disposed of. */
export interface Lock extends AsyncDisposable {
  /** Whether it still is: it is lost with the server, or with the connection to it. */
  isHeld(): Promise<boolean>;
}

/** Who holds a lock. */
export interface LockHolder {
  /** Such as `mysql/0`. */
  readonly holder: string;
}

/** A holder whose machine is gone is given up after this time. */
const IDLE_SECONDS = 1800;
const MAX_HOLDER = 200;

/**
 * Takes the lock of a cluster set, without waiting.
 *
 * @param at the primary of the primary cluster
 * @throws {ClusterSetLockedError} when somebody else has it
 */
export async function lockSet(access: SetAccess, at: Address, setId: string): Promise<Lock> {
  return await lockWith(await openForLock(access, at), access, setId);
}

/** The connection that is going to hold the lock: nobody else uses it. */
export async function openForLock(access: SetAccess, at: Address): Promise<Mysql> {
  return await (access.connectAlone ?? access.connect)(at, CONNECT_MS);
}

/** {@linkcode lockSet} with a connection of {@linkcode openForLock}, which ends with the lock, or without it. */
export async function lockWith(db: Mysql, access: Pick<SetAccess, "holder">, setId: string): Promise<Lock> {
  try {
    await db.run(
      "say who changes the cluster set",
      sql`SET @charm_holder = ${access.holder.slice(0, MAX_HOLDER)}, SESSION wait_timeout = ${IDLE_SECONDS}`,
    );
    const [row] = await db.query("lock the cluster set", sql`SELECT GET_LOCK(${lockName(setId)}, 0) AS got`);
    if (numberIn(row, "got") !== 1) throw new ClusterSetLockedError((await readLock(db, setId))?.holder ?? "");
    return { isHeld: () => isHeld(db, setId), [Symbol.asyncDispose]: () => db.close() };
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function isHeld(db: Mysql, setId: string): Promise<boolean> {
  try {
    const mine = sql`SELECT COALESCE(IS_USED_LOCK(${lockName(setId)}) = CONNECTION_ID(), 0) AS mine`;
    return flagIn((await db.query("look whether the cluster set is locked", mine))[0], "mine");
  } catch (error) {
    if (error instanceof ClientError) return false;
    throw error;
  }
}

/** Who is changing the cluster set. @param db connection to the primary of the primary cluster */
export async function readLock(db: Mysql, setId: string): Promise<LockHolder | undefined> {
  const [row] = await db.query(
    "look who changes the cluster set",
    sql`SELECT v.VARIABLE_VALUE AS holder FROM performance_schema.metadata_locks l
      LEFT JOIN performance_schema.user_variables_by_thread v
        ON v.THREAD_ID = l.OWNER_THREAD_ID AND v.VARIABLE_NAME = 'charm_holder'
      WHERE l.OBJECT_TYPE = 'USER LEVEL LOCK' AND l.OBJECT_NAME = ${lockName(setId)} AND l.LOCK_STATUS = 'GRANTED'`,
  );
  return row && { holder: textIn(row, "holder") };
}

function lockName(setId: string): string {
  return `cluster_set:${setId}`;
}
