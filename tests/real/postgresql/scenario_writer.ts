/**
 * A client that inserts numbered rows all the time, wherever the primary is, and a checker of what was acknowledged.
 *
 * @module
 */
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import postgres from "postgres";
import { startWriter, type Writer } from "../row_writer.ts";

/** How the superuser reaches the members. */
export interface Access {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly password: string;
}

const TIMEOUT_S = 3;

// The driver takes its listeners from a socket that goes over to TLS, and from one that has closed. When a server that
// restarts resets the connection just then, nobody hears of it, and the whole file would fail. Statements tell their own.
addEventListener("error", (event) => {
  if (event.error instanceof Error && "syscall" in event.error && event.error.syscall === "write") {
    event.preventDefault();
  }
});

/** Runs statements as the superuser on one member. */
export async function withSql<T>(
  access: Access,
  address: string,
  use: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres({
    host: address,
    port: access.port,
    user: "operator",
    password: access.password,
    database: "postgres",
    ssl: "prefer",
    max: 1,
    connect_timeout: TIMEOUT_S,
    connection: { statement_timeout: TIMEOUT_S * 1000 },
    onnotice: () => {},
  });
  try {
    return await use(sql);
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** Starts a writer. @param access asked again whenever the primary has to be found */
export function startPostgresWriter(access: () => Access | undefined): Writer {
  return startWriter(async ({ writer, write, goOn }) => {
    const now = access();
    for (const address of now?.addresses ?? []) {
      if (!now || !goOn()) return;
      const writeRows = async (sql: postgres.Sql): Promise<void> => {
        const [row] = await sql`SELECT pg_is_in_recovery() AS replica`;
        if (row?.replica !== false) return;
        await sql`CREATE TABLE IF NOT EXISTS written (writer int, n int, PRIMARY KEY (writer, n))`;
        while (goOn()) await write((n) => sql`INSERT INTO written VALUES (${writer}, ${n})`);
      };
      // Members that are away, replicas and a primary that goes: the next one is tried.
      await withSql(now, address, writeRows).catch(() => {});
    }
  });
}

/** Fails when a row that was acknowledged is not there. @returns how many there are */
export async function assertNothingLost(writer: Writer, access: Access, primary: string): Promise<number> {
  const rows = await withSql(access, primary, (sql) => sql`SELECT n FROM written WHERE writer = ${writer.id}`);
  const there = new Set(rows.map(({ n }) => n));
  assertEquals([...writer.acknowledged].filter((n) => !there.has(n)), [], "acknowledged rows that are lost");
  assertGreaterOrEqual(writer.acknowledged.size, 1, "the writer has written");
  return there.size;
}
