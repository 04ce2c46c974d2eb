/**
 * A client that inserts numbered rows all the time, wherever the primary is, and a checker of what was acknowledged.
 *
 * @module
 */
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import postgres from "postgres";

/** How the superuser reaches the members. */
export interface Access {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly password: string;
}

/** A writer at work. */
export interface Writer {
  /** Tells its rows from those of other writers. */
  readonly id: number;
  readonly acknowledged: ReadonlySet<number>;
  /** Longest time between two acknowledged rows so far, in milliseconds. */
  longestGapMs(): number;
  /** Ends it, after a last row. */
  stop(): Promise<void>;
}

const TIMEOUT_S = 3;
const PAUSE_MS = 25;

let writers = 1;

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
export function startWriter(access: () => Access | undefined): Writer {
  const id = writers++;
  const acknowledged = new Set<number>();
  let running = true;
  let next = 1;
  let last = performance.now();
  let longest = 0;
  const writeRows = async (sql: postgres.Sql): Promise<void> => {
    const [row] = await sql`SELECT pg_is_in_recovery() AS replica`;
    if (row?.replica !== false) return;
    await sql`CREATE TABLE IF NOT EXISTS written (writer int, n int, PRIMARY KEY (writer, n))`;
    while (running) {
      const n = next++;
      await sql`INSERT INTO written VALUES (${id}, ${n})`;
      acknowledged.add(n);
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const loop = (async () => {
    while (running) {
      const now = access();
      for (const address of now?.addresses ?? []) {
        if (!now || !running) break;
        // Members that are away, replicas and a primary that goes: the next one is tried.
        await withSql(now, address, writeRows).catch(() => {});
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
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

/** Fails when a row that was acknowledged is not there. @returns how many there are */
export async function assertNothingLost(writer: Writer, access: Access, primary: string): Promise<number> {
  const rows = await withSql(access, primary, (sql) => sql`SELECT n FROM written WHERE writer = ${writer.id}`);
  const there = new Set(rows.map(({ n }) => n));
  assertEquals([...writer.acknowledged].filter((n) => !there.has(n)), [], "acknowledged rows that are lost");
  assertGreaterOrEqual(writer.acknowledged.size, 1, "the writer has written");
  return there.size;
}
