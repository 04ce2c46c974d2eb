/**
 * A client that inserts numbered rows through the Router all the time.
 *
 * @module
 */
import { ClientError } from "../../../interfaces/clients/errors.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { startWriter, type Writer } from "../row_writer.ts";

/** Milliseconds for connecting and for a row: a Router that still has the old primary lets clients wait. */
export const WRITE_MS = 3000;

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
export function startMysqlWriter(connect: () => Promise<Mysql>): Writer {
  return startWriter(async ({ writer, write, goOn }) => {
    try {
      await using db = await connect();
      while (goOn()) {
        await write((number) => db.run("write a row", sql`INSERT INTO test.written VALUES (${writer}, ${number})`));
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
    }
  });
}

/** The numbers of a writer's rows that a server has. */
export async function writtenBy({ id }: Writer, db: Mysql): Promise<ReadonlySet<number>> {
  const rows = await db.query("read the rows", sql`SELECT number FROM test.written WHERE writer = ${id}`);
  return new Set(rows.map(({ number }) => Number(number)));
}
