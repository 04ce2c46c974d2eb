/**
 * A client that writes numbered rows all the time, and what a part of a scenario costs it.
 *
 * @module
 */
import type { Lab } from "./units.ts";

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

/** Writes rows until it fails or is told to end. */
export type WriteRows = (rows: {
  /** The writer's number. */
  readonly writer: number;
  /** Writes the next row with the given statement. */
  readonly write: (insert: (number: number) => Promise<unknown>) => Promise<void>;
  /** Whether to go on. */
  readonly goOn: () => boolean;
}) => Promise<void>;

/** What a part of a scenario cost; times in milliseconds. */
export interface Cost {
  readonly ms: number;
  /** Acknowledged rows; all of them are there. */
  readonly rows: number;
  /** The longest time without one. */
  readonly gapMs: number;
}

const PAUSE_MS = 25;

let writers = 1;

/**
 * Starts a writer.
 *
 * @param session opens a connection to the primary and writes; called again whenever it ends. It is the one to tell
 * errors of the server, which it swallows, from faults of the test
 */
export function startWriter(session: WriteRows): Writer {
  const id = writers++;
  const acknowledged = new Set<number>();
  let [running, next, last, longest] = [true, 1, performance.now(), 0];
  const write = async (insert: (number: number) => Promise<unknown>): Promise<void> => {
    // A row of which the outcome is not known is not tried again: it may be there.
    const number = next++;
    await insert(number);
    acknowledged.add(number);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    await pause(PAUSE_MS);
  };
  const loop = (async () => {
    while (running) {
      await session({ writer: id, write, goOn: () => running });
      await pause(PAUSE_MS);
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

/**
 * Runs a part of a scenario under writes.
 *
 * @param check fails when an acknowledged row is lost; the writer has ended by then
 */
export async function measureUnderWrites(
  lab: Lab,
  writer: Writer,
  part: () => Promise<void>,
  check: () => Promise<unknown>,
): Promise<Cost> {
  try {
    await lab.waitFor("the first row", () => writer.acknowledged.size > 0);
    const began = performance.now();
    await part();
    const ms = Math.round(performance.now() - began);
    const before = writer.acknowledged.size;
    await lab.waitFor("one more row", () => writer.acknowledged.size > before);
    await writer.stop();
    await check();
    return { ms, rows: writer.acknowledged.size, gapMs: Math.round(writer.longestGapMs()) };
  } finally {
    await writer.stop();
  }
}

/** Prints a line of a table of scenarios. */
export function printCost(what: string, { ms, rows, gapMs }: Cost): void {
  console.log(`${what}: ${ms} ms, ${rows} rows acknowledged, 0 lost, longest gap ${gapMs} ms`);
}

/** A cost in a sentence of the demo. */
export function costInWords({ rows, gapMs }: Cost): string {
  return `${rows} rows written meanwhile, none lost, longest gap ${(gapMs / 1000).toFixed(1)} s`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
