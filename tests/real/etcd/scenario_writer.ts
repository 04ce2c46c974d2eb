/**
 * A client that writes numbered keys and reads all the time, and a checker of what etcd promised to it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Etcd, openEtcd } from "../../../interfaces/clients/etcd/client.ts";
import { asText } from "../../../interfaces/clients/etcd/values.ts";
import { ClientError } from "../../../interfaces/clients/errors.ts";

/** What a provider has published. */
export interface Access {
  readonly endpoints: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** What a writer saw. */
export interface WriterReport {
  /** Number of writes that etcd has acknowledged. */
  readonly acknowledged: number;
  /** Acknowledged writes that are not there any more, or have another value. */
  readonly lost: readonly number[];
  /** Reads that showed less than an earlier read or an acknowledged write, in words. */
  readonly backwards: readonly string[];
  readonly failedWrites: number;
  /** The longest time between two acknowledged writes, in milliseconds. */
  readonly longestGapMs: number;
  /** Why requests failed, each reason once. */
  readonly reasons: readonly string[];
}

/** A writer at work: `await using writer = startWriter(…)`. */
export interface Writer extends AsyncDisposable {
  /** Number of acknowledged writes so far. */
  acknowledged(): number;
  /** Ends the work, and compares what was acknowledged with what is there. */
  report(): Promise<WriterReport>;
}

const PAUSE_MS = 10;
const TIMEOUT_MS = 4000;
/** Requests that fail at once are not repeated faster than this. */
const PAUSE_AFTER_FAILURE_MS = 100;

/**
 * Starts to write `PREFIX000001`, `PREFIX000002` and so on, each with its number. A second client counts the keys: as
 * none is ever deleted, the number only grows, and is never less than that of the writes acknowledged before.
 *
 * @param access what is published now; a client opens anew when it changed, and does nothing while there is nothing
 * @param prefix of its keys
 */
export function startWriter(access: () => Access | undefined, prefix = "numbers/"): Writer {
  const acknowledged: number[] = [];
  const backwards: string[] = [];
  const reasons = new Set<string>();
  let [failedWrites, longestGapMs, acknowledgedAt, seen, number, stopped] = [0, 0, 0, 0, 0, false];

  const write = async (etcd: Etcd): Promise<void> => {
    number++;
    try {
      await etcd.kv.put(keyOf(prefix, number), `${number}`, { repeatable: true });
    } catch (error) {
      failedWrites++;
      throw error;
    }
    acknowledged.push(number);
    const now = performance.now();
    if (acknowledgedAt > 0) longestGapMs = Math.max(longestGapMs, now - acknowledgedAt);
    acknowledgedAt = now;
  };

  const read = async (etcd: Etcd): Promise<void> => {
    const least = Math.max(seen, acknowledged.length);
    const found = await etcd.kv.count(prefix);
    if (found < least) backwards.push(`${found} keys after there had been ${least}`);
    seen = Math.max(seen, found);
  };

  const repeat = async (work: (etcd: Etcd) => Promise<void>): Promise<void> => {
    using client = createClient(access);
    while (!stopped) {
      let pause = PAUSE_MS;
      try {
        const etcd = client.current();
        if (etcd) await work(etcd);
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        reasons.add(error.message);
        pause = PAUSE_AFTER_FAILURE_MS;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  };
  const ended = Promise.all([repeat(write), repeat(read)]);
  const stop = async (): Promise<void> => {
    stopped = true;
    await ended;
  };

  return {
    acknowledged: () => acknowledged.length,
    async report() {
      await stop();
      using client = createClient(access);
      const etcd = client.current();
      if (!etcd) throw new Error("nothing is published any more: the writes cannot be checked");
      await read(etcd);
      const found = new Map<string, string>();
      for await (const { key, value } of etcd.kv.list(prefix)) found.set(asText(key), asText(value));
      const lost = acknowledged.filter((each) => found.get(keyOf(prefix, each)) !== `${each}`);
      return {
        acknowledged: acknowledged.length,
        lost,
        backwards,
        failedWrites,
        longestGapMs: Math.round(longestGapMs),
        reasons: [...reasons],
      };
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Fails unless every acknowledged write is there and no read went back; there have to be some. */
export function assertNothingLost({ acknowledged, lost, backwards }: WriterReport): void {
  assertEquals({ lost, backwards, some: acknowledged > 0 }, { lost: [], backwards: [], some: true });
}

/** A client of whatever is published; what it opened last stays in use while nothing is. */
function createClient(access: () => Access | undefined): { current(): Etcd | undefined } & Disposable {
  let open: { readonly etcd: Etcd; readonly wanted: string } | undefined;
  return {
    current() {
      const found = access();
      const wanted = JSON.stringify(found);
      if (!found || open?.wanted === wanted) return open?.etcd;
      open?.etcd.close();
      open = { etcd: openEtcd({ ...found, timeoutMs: TIMEOUT_MS }), wanted };
      return open.etcd;
    },
    [Symbol.dispose]() {
      open?.etcd.close();
    },
  };
}

function keyOf(prefix: string, number: number): string {
  return `${prefix}${String(number).padStart(6, "0")}`;
}
