/**
 * Asks every server all the time whether it takes writes, to prove that there are never two clusters that do.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { ClientTimeoutError, UnreachableError } from "../../../interfaces/clients/errors.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { flagIn } from "../../../interfaces/clients/mysql/rows.ts";
import { watchServers } from "../mysql/watch.ts";

/** Watches servers until it is stopped. */
export interface Sampler {
  /** Forgets what was seen: before they are related, both clusters take writes. */
  begin(): void;
  /** Fails when servers of two clusters took writes at the same time. */
  assertOneCluster(): void;
  /** Longest time, in milliseconds, in which no server took writes. */
  longestGapMs(): number;
  /** Longest time, in milliseconds, between two answers of a server that ran: what is shorter may not have been seen. */
  longestPauseMs(): number;
  stop(): Promise<void>;
}

/** A time in which a server took writes, from one answer to another. Milliseconds. */
interface Reign {
  readonly unit: string;
  readonly from: number;
  to: number;
}

const PAUSE_MS = 50;
/** How often a server that runs and does not answer is asked whether it takes writes. */
const MOST_LOOKS = 10;

/**
 * Starts to watch. A server takes writes when it is online, its group's primary, and not read-only for clients; the
 * charm itself may be let in for a moment (`super_read_only`), for what must not be replicated.
 *
 * @param units those that are there now
 * @param connect opens a connection to a unit's server
 */
export function startSampler(units: () => readonly string[], connect: (unit: string) => Promise<Mysql>): Sampler {
  let reigns: Reign[] = [];
  let longestPause = 0;
  const answered = new Map<string, number>();
  const stop = watchServers({
    units,
    async connect(unit) {
      try {
        return await connect(unit);
      } catch (error) {
        if (error instanceof UnreachableError) answered.delete(unit);
        throw error;
      }
    },
    pauseMs: PAUSE_MS,
    look(unit) {
      let reign: Reign | undefined;
      return async (db) => {
        const asked = performance.now();
        const yes = await takesWrites(db);
        const now = performance.now();
        longestPause = Math.max(longestPause, now - (answered.get(unit) ?? now));
        answered.set(unit, now);
        if (!yes) reign = undefined;
        else if (reign && reigns.includes(reign)) reign.to = asked;
        else reigns.push(reign = { unit, from: now, to: asked });
      };
    },
  });
  return {
    begin: () => void ([reigns, longestPause] = [[], 0]),
    assertOneCluster: () => assertEquals(conflicts(reigns), [], "clusters that took writes at the same time"),
    longestGapMs: () => longestGap(reigns),
    longestPauseMs: () => Math.round(longestPause),
    stop,
  };
}

/**
 * Asks a server whether it takes writes. One that is gone takes none; one that is only slow is asked again.
 *
 * @throws {ClientError} when it cannot be told
 */
export async function unlessGone(
  connect: () => Promise<Mysql>,
  ask: (db: Mysql) => Promise<boolean>,
): Promise<boolean> {
  for (let looks = 1;; looks++) {
    try {
      await using db = await connect();
      return await ask(db);
    } catch (error) {
      if (error instanceof UnreachableError) return false;
      if (!(error instanceof ClientTimeoutError) || looks === MOST_LOOKS) throw error;
    }
  }
}

/** Whether clients may write on a server. */
export async function takesWrites(db: Mysql): Promise<boolean> {
  const [row] = await db.query(
    "ask whether it takes writes",
    sql`SELECT @@global.read_only = 0 AND EXISTS (SELECT 1 FROM performance_schema.replication_group_members
      WHERE MEMBER_ID = @@server_uuid AND MEMBER_STATE = 'ONLINE' AND MEMBER_ROLE = 'PRIMARY') AS yes`,
  );
  return flagIn(row, "yes");
}

/** A reign lasts at least from the end of its first question to the beginning of its last one. */
function conflicts(reigns: readonly Reign[]): string[] {
  const app = ({ unit }: Reign) => unit.split("/")[0];
  return reigns.flatMap((reign, index) =>
    reigns.slice(index + 1).filter((other) =>
      app(other) !== app(reign) && Math.max(reign.from, other.from) < Math.min(reign.to, other.to)
    ).map((other) => `${reign.unit} and ${other.unit}`)
  );
}

function longestGap(reigns: readonly Reign[]): number {
  const sorted = [...reigns].sort((a, b) => a.from - b.from);
  let [end, longest] = [sorted[0]?.from ?? 0, 0];
  for (const { from, to } of sorted) {
    longest = Math.max(longest, from - end);
    end = Math.max(end, to);
  }
  return Math.round(longest);
}
