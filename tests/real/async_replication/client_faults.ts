/**
 * Ways to servers that fail at a chosen moment, as if whoever uses them were killed or lost a connection.
 *
 * @module
 */
import { UnreachableError } from "../../../interfaces/clients/errors.ts";
import type { SetAccess } from "../../../interfaces/clients/mysql/cluster_set/access.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { Sql } from "../../../interfaces/clients/mysql/quoting.ts";
import type { LabServer } from "../mysql/lab.ts";

/** An access that is cut, and how many statements that change something came before that. */
export interface Cut {
  readonly access: SetAccess;
  readonly changes: () => number;
}

/** `killed`: nothing more is sent to anybody; `lost`: one answer is lost, and with it the connection. */
export type Failure = "killed" | "lost";

/**
 * Statements after which a server is another than before. Between two of them it makes no difference where whoever sends
 * them is killed: what was read, said of the session or done in a transaction that has not ended is gone.
 */
const CHANGE =
  /^\s*(?:SET\s+(?:GLOBAL|PERSIST)|RESET|STOP|START\s+(?:REPLICA|GROUP)|CHANGE|COMMIT|SELECT\s+(?:group_replication|asynchronous_connection)_)/i;

/** Fails at a change: a kill comes before it is sent, a loss when it is done. @param at its number, from 0 */
export function cutShort(access: SetAccess, failure: Failure, at: number): Cut {
  let changes = 0;
  let isDead = false;
  const lost = new Set<Mysql>();
  const whole = observe(access, async (db, text, send) => {
    if (isDead || lost.has(db)) throw cut(db.endpoint);
    if (!CHANGE.test(text) || changes++ !== at) return await send();
    if (failure === "killed") isDead = true;
    else await send();
    lost.add(db);
    await db.close();
    throw cut(db.endpoint);
  });
  const connect: SetAccess["connect"] = async (address, timeoutMs) => {
    if (isDead) throw cut(`${address.host}:${address.port}`);
    return await whole.connect(address, timeoutMs);
  };
  return { access: { ...whole, connect }, changes: () => changes };
}

/** Sends nothing more from the first statement of that name on. */
export function cutAt(access: SetAccess, operation: string): SetAccess {
  let isDead = false;
  return observe(access, async (db, _text, send, what) => {
    isDead ||= what === operation;
    if (isDead) throw cut(db.endpoint);
    return await send();
  });
}

/** Has no way to one of the servers. */
export function withoutServer(access: SetAccess, { port }: LabServer): SetAccess {
  return {
    ...access,
    connect: (address, timeoutMs) =>
      address.port === port
        ? Promise.reject(cut(`${address.host}:${address.port}`))
        : access.connect(address, timeoutMs),
  };
}

type Watch = <T>(db: Mysql, text: string, send: () => Promise<T>, operation: string) => Promise<T>;

function observe(access: SetAccess, watch: Watch): SetAccess {
  const wrap = (db: Mysql): Mysql => ({
    endpoint: db.endpoint,
    query: (operation, statement, options) =>
      watch(db, Sql.textOf(statement), () => db.query(operation, statement, options), operation),
    run: (operation, statement, options) =>
      watch(db, Sql.textOf(statement), () => db.run(operation, statement, options), operation),
    close: () => db.close(),
    [Symbol.asyncDispose]: () => db.close(),
  });
  return { ...access, connect: async (...where) => wrap(await access.connect(...where)) };
}

function cut(endpoint: string): UnreachableError {
  return new UnreachableError([{ endpoint, reason: "cut short" }]);
}
