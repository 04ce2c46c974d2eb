/**
 * Throughput to peers whose iperf3 server runs, with more and more streams.
 *
 * @module
 */
import { checkEach, type EachOptions } from "./each.ts";
import { type IperfRun, runIperfClient } from "./iperf_client.ts";
import type { CheckResult, Outcome, Target } from "./result.ts";
import { minimumMbit, type MinSpeed, planBatches } from "./speed_rules.ts";
import { wholeNumber } from "./validate.ts";

/** Between attempts while the server serves somebody else, in milliseconds. */
const BUSY_PAUSE_MS = 500;

/** How throughput is measured. */
export interface SpeedOptions extends EachOptions {
  /** Port of the servers. */
  readonly port: number;
  /** Seconds of one measurement; 10 unless given. */
  readonly batchSeconds?: number;
  /** Seconds for all measurements of one target; one batch for each entry of the progression unless given. */
  readonly totalSeconds?: number;
  /** Streams at the same time, an equal share of the time each; 2, 4, 8 unless given. */
  readonly progression?: readonly number[];
  /** What every measurement must reach; nothing unless given. */
  readonly minSpeed?: MinSpeed;
  /** Speed of the own link in Mbit/s, for a minimum in percent; null when the link has none. */
  readonly linkMbit?: number | null;
  /** Milliseconds to wait for a connection; 3000 unless given. */
  readonly connectTimeoutMs?: number;
  /** Seconds to wait for a server that serves somebody else; 30 unless given. */
  readonly busySeconds?: number;
  /** Told each measurement as soon as it is there; awaited. */
  readonly onBatch?: (target: string, run: IperfRun) => void | Promise<void>;
}

/** What was measured towards one target. */
export interface SpeedMeasurements {
  readonly batches: readonly IperfRun[];
  /** Of the slowest and fastest measurement, in Mbit/s (10^6 bits). */
  readonly slowestMbit: number;
  readonly fastestMbit: number;
  /** What had to be reached; null when nothing had. */
  readonly minimumMbit: number | null;
}

/**
 * Measures the throughput to every target, one target after the other unless `concurrency` says otherwise: streams to
 * different targets share the own link.
 *
 * @throws {ProgramMissingError} without iperf3
 * @throws {InputError} for options out of bounds, and for a minimum in percent of an unknown link speed
 */
export async function checkSpeed(
  targets: readonly Target[],
  options: SpeedOptions,
): Promise<CheckResult<SpeedMeasurements>[]> {
  const batchSeconds = wholeNumber("batchSeconds", options.batchSeconds ?? 10, 1, 3600);
  const progression = options.progression ?? [2, 4, 8];
  const totalSeconds = wholeNumber(
    "totalSeconds",
    options.totalSeconds ?? batchSeconds * progression.length,
    1,
    86_400,
  );
  const settings = {
    port: wholeNumber("port", options.port, 1, 65_535),
    batchSeconds,
    connectTimeoutMs: wholeNumber("connectTimeoutMs", options.connectTimeoutMs ?? 3000, 1, 60_000),
    busySeconds: wholeNumber("busySeconds", options.busySeconds ?? 30, 0, 3600),
    streams: planBatches(progression, batchSeconds, totalSeconds),
    minimum: minimumMbit(options.minSpeed, options.linkMbit ?? null),
  };
  // Without this, the two minutes that suffice for other checks would end a long measurement of many targets.
  const totalMs = Math.min(86_400_000, (totalSeconds + settings.busySeconds + 60) * 1000 * Math.max(1, targets.length));
  return await checkEach(
    "speed",
    targets,
    { concurrency: 1, totalMs, ...options },
    ({ address }, { name }) => measure(address, settings, (run) => options.onBatch?.(name, run)),
  );
}

interface Settings {
  readonly port: number;
  readonly batchSeconds: number;
  readonly connectTimeoutMs: number;
  readonly busySeconds: number;
  readonly streams: readonly number[];
  readonly minimum: number | null;
}

async function measure(
  address: string,
  settings: Settings,
  onBatch: (run: IperfRun) => void | Promise<void>,
): Promise<Outcome<SpeedMeasurements>> {
  const batches: IperfRun[] = [];
  for (const streams of settings.streams) {
    const run = await whenFree(settings.busySeconds, () => runIperfClient({ ...settings, address, streams }));
    if ("failure" in run) return { reason: run.failure, measurements: summarizeBatches(batches, settings.minimum) };
    batches.push(run);
    await onBatch(run);
  }
  const measurements = summarizeBatches(batches, settings.minimum);
  const slow = settings.minimum !== null && measurements !== null && measurements.slowestMbit < settings.minimum;
  return slow
    ? { reason: `${measurements.slowestMbit} of ${settings.minimum} Mbit/s`, measurements }
    : { measurements };
}

async function whenFree<T>(seconds: number, run: () => Promise<T | { failure: string; busy: boolean }>) {
  const end = performance.now() + seconds * 1000;
  while (true) {
    const result = await run();
    const busy = typeof result === "object" && result !== null && "busy" in result && result.busy;
    if (!busy || performance.now() >= end) return result;
    await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS));
  }
}

function summarizeBatches(batches: readonly IperfRun[], minimum: number | null): SpeedMeasurements | null {
  if (batches.length === 0) return null;
  const speeds = batches.map(({ mbit }) => mbit);
  return { batches, slowestMbit: Math.min(...speeds), fastestMbit: Math.max(...speeds), minimumMbit: minimum };
}
