/**
 * A client that inserts numbered rows through the Router all the time.
 *
 * @module
 */
import { ClientError } from "../../../interfaces/clients/errors.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";

/** A writer at work. */
export interface Writer {
  /** Tells its rows from those of other writers. */
  readonly id: number;
  /** Numbers of the rows that the server has said are there. */
  readonly acknowledged: ReadonlySet<number>;
  /** Longest time between two acknowledged rows so far, in milliseconds. */
  longestGapMs(): number;
  /** Ends it, after a last row. */
  stop(): Promise<void>;
}

/** Milliseconds for connecting and for a row: a Router that still has the old primary lets clients wait. */
export const WRITE_MS = 3000;
const PAUSE_MS = 25;

let writers = 1;

/** Makes the table of the writers, on the primary. */
export async function makeWritten(db: Mysql): Promise<void> {
  await db.run("make a database", sql`CREATE DATABASE IF NOT EXISTS test`);
  await db.run(
    "make a table",
    sql`CREATE TABLE IF NOT EXISTS test.written (writer INT, number INT, PRIMARY KEY (writer, number))`,
  );
}

/**
 * Starts a writer.
 *
 * @param connect opens a connection to the primary; called again whenever one is lost
 */
export function startWriter(connect: () => Promise<Mysql>): Writer {
  const id = writers++;
  const acknowledged = new Set<number>();
  let running = true;
  let next = 1;
  let last = performance.now();
  let longest = 0;
  const writeRows = async (): Promise<void> => {
    await using db = await connect();
    while (running) {
      // A row of which the outcome is not known is not tried again: it may be there.
      const number = next++;
      await db.run("write a row", sql`INSERT INTO test.written VALUES (${id}, ${number})`);
      acknowledged.add(number);
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      await pause();
    }
  };
  const loop = (async () => {
    while (running) {
      try {
        await writeRows();
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        await pause();
      }
    }
  })();
  return {
    id,
    acknowledged,
    longestGapMs: () => Math.max(longest, performance.now() - last),
    async stop() {
      running = false;
      await loop;
    },
  };
}

/** The numbers of a writer's rows that a server has. */
export async function writtenBy({ id }: Writer, db: Mysql): Promise<ReadonlySet<number>> {
  const rows = await db.query("read the rows", sql`SELECT number FROM test.written WHERE writer = ${id}`);
  return new Set(rows.map(({ number }) => Number(number)));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
