/**
 * Connections that are used again: operations on a set look at the same servers more than once.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { addressText } from "../members.ts";
import { sql } from "../quoting.ts";
import type { SetAccess } from "./access.ts";

/** Connections that are kept until it is disposed of. */
export interface ReusedConnections extends Required<Pick<SetAccess, "connect" | "connectAlone">>, AsyncDisposable {}

/** Milliseconds for a connection that is kept to show that it is still there. */
const CHECK_MS = 1000;

/**
 * Keeps connections that are closed for the next who asks for the same server, but for those that had an error.
 *
 * @param usualMs milliseconds for connecting and for each statement, for those who do not say
 */
export function reuseConnections(connect: SetAccess["connect"], usualMs: number): ReusedConnections {
  const kept = new Map<string, Mysql[]>();
  return {
    connectAlone: connect,
    async connect(address, timeoutMs = usualMs) {
      const idle = kept.get(addressText(address)) ?? [];
      kept.set(addressText(address), idle);
      const db = await stillThere(idle.pop()) ?? await connect(address, timeoutMs);
      return lend(db, timeoutMs, () => void idle.push(db));
    },
    [Symbol.asyncDispose]: async () => void await Promise.all([...kept.values()].flat().map((db) => db.close())),
  };
}

/** One that was lost says nothing about the server. */
async function stillThere(db: Mysql | undefined): Promise<Mysql | undefined> {
  try {
    await db?.query("look whether the connection is still there", sql`SELECT 1`, { timeoutMs: CHECK_MS });
    return db;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    await db?.close();
    return undefined;
  }
}

/** A connection that goes back when it is closed. @param timeoutMs milliseconds for each statement; it was made for others */
function lend(db: Mysql, timeoutMs: number, giveBack: () => void): Mysql {
  let hasFailed = false;
  let closing: Promise<void> | undefined;
  const watch = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  };
  const close = (): Promise<void> => closing ??= hasFailed ? db.close() : Promise.resolve(giveBack());
  return {
    endpoint: db.endpoint,
    query: (operation, statement, options) => watch(() => db.query(operation, statement, { timeoutMs, ...options })),
    run: (operation, statement, options) => watch(() => db.run(operation, statement, { timeoutMs, ...options })),
    close,
    [Symbol.asyncDispose]: close,
  };
}
