/**
 * ICMP echo with the `ping` of iputils.
 *
 * @module
 */
import { checkEach, type EachOptions } from "./each.ts";
import { ForbiddenError } from "./errors.ts";
import { type Ended, lastLine, runProgram } from "./program.ts";
import type { CheckResult, Outcome, Target } from "./result.ts";
import { type Family, wholeNumber } from "./validate.ts";

/** On top of the time that ping needs by its arguments, for a busy machine to start and end it. */
const GRACE_MS = 5000;

/** How targets are pinged. */
export interface IcmpOptions extends EachOptions {
  /** Packets for each target; 3 unless given. */
  readonly tries?: number;
  /** Milliseconds between packets, 200 unless given; less than 200 may need root. */
  readonly intervalMs?: number;
  /** Milliseconds to wait for the last reply; 2000 unless given. */
  readonly timeoutMs?: number;
  /** Lost packets that are still ok, in percent of the sent ones; 0 unless given. */
  readonly maxLossPercent?: number;
}

/** What ping measured. */
export interface IcmpMeasurements {
  readonly transmitted: number;
  readonly received: number;
  readonly lossPercent: number;
  /** Round trip in milliseconds; null without a reply. */
  readonly rttMs: { readonly min: number; readonly avg: number; readonly max: number } | null;
}

/** What a run of ping says. */
export interface PingReport {
  readonly measurements: IcmpMeasurements | null;
  /** What went wrong in ping's words, such as `Destination Host Unreachable`. */
  readonly complaint?: string;
  /** Its time was over before it had sent and received everything. */
  readonly cutOff?: true;
  /** The MTU that a host on the way, or our own, named when a packet was too big. */
  readonly mtu?: number;
}

/**
 * Pings every target.
 *
 * @throws {ProgramMissingError} without ping
 * @throws {ForbiddenError} when ping may not open its socket
 * @throws {InputError} for options out of bounds
 */
export function checkIcmp(
  targets: readonly Target[],
  options: IcmpOptions = {},
): Promise<CheckResult<IcmpMeasurements>[]> {
  const tries = wholeNumber("tries", options.tries ?? 3, 1, 1000);
  const intervalMs = wholeNumber("intervalMs", options.intervalMs ?? 200, 2, 60_000);
  const timeoutMs = wholeNumber("timeoutMs", options.timeoutMs ?? 2000, 1, 60_000);
  const maxLoss = wholeNumber("maxLossPercent", options.maxLossPercent ?? 0, 0, 99);
  const args = ["-c", `${tries}`, "-i", `${intervalMs / 1000}`, "-W", `${timeoutMs / 1000}`];
  const limit = (tries - 1) * intervalMs + timeoutMs;
  return checkEach(
    "icmp",
    targets,
    options,
    async ({ address, family }) => judge(await ping(address, family, args, limit), tries, maxLoss),
  );
}

function judge(
  { measurements, complaint, cutOff }: PingReport,
  tries: number,
  maxLossPercent: number,
): Outcome<IcmpMeasurements> {
  if (measurements === null) return { reason: complaint ?? "ping said nothing", measurements };
  if (cutOff) return { reason: `${measurements.received}/${tries} replies in time`, measurements };
  if (measurements.received > 0 && measurements.lossPercent <= maxLossPercent) return { measurements };
  const why = measurements.received === 0 && complaint !== undefined ? `: ${complaint}` : "";
  return { reason: `${measurements.received}/${measurements.transmitted} replies${why}`, measurements };
}

/**
 * Runs ping once.
 *
 * @param args what to send: options of ping
 * @param limitMs how long these take at most
 * @throws {ProgramMissingError | ForbiddenError}
 */
export async function ping(
  address: string,
  family: Family,
  args: readonly string[],
  limitMs: number,
): Promise<PingReport> {
  return readPing(await runProgram("ping", ["-n", `-${family}`, ...args, address], limitMs + GRACE_MS));
}

/**
 * Reads what ping printed.
 *
 * @throws {ForbiddenError} when it could not open its socket
 */
export function readPing({ stdout, stderr, cutOff }: Ended): PingReport {
  if (/socket: (?:Operation not permitted|Permission denied)|missing cap_net_raw/.test(stderr)) {
    throw new ForbiddenError("ping may not open its socket: give it cap_net_raw, or run as root");
  }
  const mtu = /\bmtu ?[=:] ?(\d+)/.exec(`${stdout}\n${stderr}`)?.[1];
  const complaint = complaintOf(stdout, stderr, cutOff);
  const counts = /^(\d+) packets transmitted, (\d+) received/m.exec(stdout);
  return {
    measurements: counts === null ? null : measure(Number(counts[1]), Number(counts[2]), stdout),
    ...(complaint === undefined ? {} : { complaint }),
    ...(cutOff ? { cutOff } : {}),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
  };
}

function measure(transmitted: number, received: number, stdout: string): IcmpMeasurements {
  const rtt = /^rtt min\/avg\/max\/mdev = ([\d.]+)\/([\d.]+)\/([\d.]+)\//m.exec(stdout);
  return {
    transmitted,
    received,
    lossPercent: transmitted === 0 ? 100 : Math.round(1000 * (transmitted - received) / transmitted) / 10,
    rttMs: rtt === null ? null : { min: Number(rtt[1]), avg: Number(rtt[2]), max: Number(rtt[3]) },
  };
}

function complaintOf(stdout: string, stderr: string, cutOff: boolean): string | undefined {
  const fromNetwork = /^From \S+ icmp_seq=\d+ (.+)$/m.exec(stdout)?.[1];
  if (fromNetwork !== undefined) return lastLine(fromNetwork);
  if (stderr.trim() !== "") return lastLine(stderr);
  return cutOff ? "ping did not end in time" : undefined;
}
