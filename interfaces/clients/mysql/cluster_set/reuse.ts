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
/** One that has been idle for fewer milliseconds is taken to be there. */
const FRESH_MS = 1000;

/** A connection that nobody uses, and when that began. */
interface Idle {
  readonly db: Mysql;
  readonly since: number;
}

/**
 * Keeps connections that are closed for the next who asks for the same server, but for those that had an error.
 *
 * @param usualMs milliseconds for connecting and for each statement, for those who do not say
 * @param freshMs milliseconds for which an idle connection is not asked whether it is still there
 */
export function reuseConnections(
  connect: SetAccess["connect"],
  usualMs: number,
  freshMs: number = FRESH_MS,
): ReusedConnections {
  const kept = new Map<string, Idle[]>();
  return {
    connectAlone: connect,
    async connect(address, timeoutMs = usualMs) {
      const idle = kept.get(addressText(address)) ?? [];
      kept.set(addressText(address), idle);
      const last = idle.pop();
      const db = last && await isThere(last, freshMs) ? last.db : await connect(address, timeoutMs);
      return lend(db, timeoutMs, () => void idle.push({ db, since: performance.now() }));
    },
    [Symbol.asyncDispose]: async () => void await Promise.all([...kept.values()].flat().map(({ db }) => db.close())),
  };
}

/** One that was lost says nothing about the server. */
async function isThere({ db, since }: Idle, freshMs: number): Promise<boolean> {
  if (performance.now() - since < freshMs) return true;
  try {
    await db.query("look whether the connection is still there", sql`SELECT 1`, { timeoutMs: CHECK_MS });
    return true;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    await db.close();
    return false;
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
