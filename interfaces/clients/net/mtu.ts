/**
 * Path MTU: whether packets of a required size reach a target in one piece, and if not, which size does.
 *
 * @module
 */
import { checkEach, type EachOptions } from "./each.ts";
import { ping, type PingReport } from "./icmp.ts";
import type { CheckResult, Outcome, Target } from "./result.ts";
import { type Address, type Family, wholeNumber } from "./validate.ts";

/** Bytes of the IP and ICMP headers. */
const HEADERS: Readonly<Record<Family, number>> = { 4: 20 + 8, 6: 40 + 8 };
/** What every path carries: RFC 791 and RFC 8200. */
const SMALLEST: Readonly<Record<Family, number>> = { 4: 68, 6: 1280 };
/** Sizes that are tried at once: few rounds, because each size that is dropped in silence costs the whole timeout. */
const FAN = 8;
/** Targets at a time, as each has up to eight probes under way. */
const DEFAULT_CONCURRENCY = 32;

/** How paths are probed. */
export interface MtuOptions extends EachOptions {
  /** Bytes of the whole IP packet. */
  readonly requiredMtu: number;
  /** Seconds in which one of the probes of a size, five a second, must be answered; 2 unless given. */
  readonly timeoutSeconds?: number;
}

/** What the probes found. */
export interface MtuMeasurements {
  readonly requiredMtu: number;
  /** The largest size that got through, no more than the required one; null when none did. */
  readonly pathMtu: number | null;
}

/**
 * Sends do-not-fragment probes of the required size to every target, and where they fail, looks for the size that fits.
 *
 * @throws {ProgramMissingError} without ping
 * @throws {ForbiddenError} when ping may not open its socket
 * @throws {InputError} for options out of bounds
 */
export function checkMtu(targets: readonly Target[], options: MtuOptions): Promise<CheckResult<MtuMeasurements>[]> {
  const requiredMtu = wholeNumber("requiredMtu", options.requiredMtu, SMALLEST[4], 65_535);
  const timeout = wholeNumber("timeoutSeconds", options.timeoutSeconds ?? 2, 1, 60);
  const bounds = { concurrency: DEFAULT_CONCURRENCY, ...options };
  return checkEach(`mtu ${requiredMtu}`, targets, bounds, (address) => {
    const required = Math.max(requiredMtu, SMALLEST[address.family]);
    return findMtu(required, SMALLEST[address.family], (size) => probe(address, size, timeout))
      .then((pathMtu) => judge(requiredMtu, pathMtu));
  });
}

function judge(requiredMtu: number, path: PathMtu): Outcome<MtuMeasurements> {
  const pathMtu = path.size === null ? null : Math.min(path.size, requiredMtu);
  const measurements = { requiredMtu, pathMtu };
  if (path.size === null) return { reason: path.complaint ?? "no reply to probes of any size", measurements };
  return path.size >= requiredMtu ? { measurements } : { reason: `path MTU ${path.size}`, measurements };
}

async function probe({ address, family }: Address, size: number, timeoutSeconds: number): Promise<PingReport> {
  const payload = `${size - HEADERS[family]}`;
  // With a deadline, ping sends until one reply has come: one lost packet is no small MTU.
  const args = ["-M", "do", "-s", payload, "-c", "1", "-i", "0.2", "-w", `${timeoutSeconds}`];
  return await ping(address, family, args, timeoutSeconds * 1000);
}

/** What the search ended with. */
export interface PathMtu {
  /** The largest size that got through; null when none did. */
  readonly size: number | null;
  readonly complaint?: string;
}

/**
 * Finds the largest size that gets through.
 *
 * @param required tried first, and the answer if it gets through
 * @param smallest tried next: without a reply to that, the size is not what is wrong
 * @param send sends probes of a size
 */
export async function findMtu(
  required: number,
  smallest: number,
  send: (size: number) => Promise<PingReport>,
): Promise<PathMtu> {
  const first = await send(required);
  if (replied(first)) return { size: required };
  if (required === smallest) return nothing(first);
  const least = await send(smallest);
  if (!replied(least)) return nothing(least);
  let [fits, fails] = [smallest, required];
  // Who refuses a packet names the size that fits: believed when it does.
  for (let hint = first.mtu; hint !== undefined && hint > fits && hint < fails;) {
    const report = await send(hint);
    if (replied(report)) return { size: hint };
    fails = hint;
    hint = report.mtu;
  }
  while (fails - fits > 1) {
    const sizes = between(fits, fails);
    const reports = await Promise.all(sizes.map(send));
    const largest = reports.findLastIndex(replied);
    fits = sizes[largest] ?? fits;
    fails = sizes[largest + 1] ?? fails;
  }
  return { size: fits };
}

function replied({ measurements }: PingReport): boolean {
  return (measurements?.received ?? 0) > 0;
}

function nothing({ complaint }: PingReport): PathMtu {
  return { size: null, ...(complaint === undefined ? {} : { complaint }) };
}

/** Up to eight sizes between two others, evenly spaced. */
function between(low: number, high: number): number[] {
  const step = (high - low) / (FAN + 1);
  const sizes = Array.from({ length: FAN }, (_, index) => low + Math.round(step * (index + 1)));
  return [...new Set(sizes)].filter((size) => size > low && size < high);
}
