/**
 * One run of the iperf3 client.
 *
 * @module
 */
import { type Ended, lastLine, runProgram } from "./program.ts";

/** On top of the time that iperf3 needs by its arguments, in milliseconds. */
const GRACE_MS = 10_000;

/** What one run is to do; all values are checked. */
export interface IperfClientArgs {
  readonly address: string;
  readonly port: number;
  readonly batchSeconds: number;
  readonly streams: number;
  readonly connectTimeoutMs: number;
}

/** What one run measured. */
export interface IperfRun {
  readonly streams: number;
  readonly seconds: number;
  readonly bytes: number;
  /** As the receiver counted it, in Mbit/s (10^6 bits). */
  readonly mbit: number;
  /** TCP segments that were sent again; null where the kernel does not tell. */
  readonly retransmits: number | null;
}

/** Why there is no measurement. */
export interface IperfFailure {
  readonly failure: string;
  /** The server serves somebody else at the moment. */
  readonly busy: boolean;
}

/**
 * Sends for the given time.
 *
 * @throws {ProgramMissingError | ForbiddenError}
 */
export async function runIperfClient(args: IperfClientArgs): Promise<IperfRun | IperfFailure> {
  const limit = args.batchSeconds * 1000 + args.connectTimeoutMs + GRACE_MS;
  const ended = await runProgram("iperf3", [
    "--json",
    // Only the sums at the end, so that hours of many streams stay a few kilobytes.
    ...["--interval", "0"],
    ...["--client", args.address],
    ...["--port", `${args.port}`],
    ...["--time", `${args.batchSeconds}`],
    ...["--parallel", `${args.streams}`],
    ...["--connect-timeout", `${args.connectTimeoutMs}`],
  ], limit);
  return readIperf(ended, args.streams);
}

/** Reads what `iperf3 --json` printed; its exit status is 0 also when it failed. */
export function readIperf({ stdout, stderr, cutOff }: Ended, streams: number): IperfRun | IperfFailure {
  if (cutOff) return { failure: "iperf3 did not end in time", busy: false };
  let report: unknown;
  try {
    report = JSON.parse(stdout);
  } catch {
    return { failure: `iperf3: ${lastLine(stderr) || "no report"}`, busy: false };
  }
  const error = field(report, "error");
  if (typeof error === "string") return { failure: `iperf3: ${lastLine(error)}`, busy: /server is busy/.test(error) };
  const end = field(report, "end");
  const received = field(end, "sum_received");
  const [bits, bytes, seconds] = ["bits_per_second", "bytes", "seconds"].map((key) => field(received, key));
  if (typeof bits !== "number" || typeof bytes !== "number" || typeof seconds !== "number") {
    return { failure: "iperf3: its report has no sum of what was received", busy: false };
  }
  const retransmits = field(field(end, "sum_sent"), "retransmits");
  return {
    streams,
    seconds,
    bytes,
    mbit: Math.round(bits / 1e5) / 10,
    retransmits: typeof retransmits === "number" ? retransmits : null,
  };
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}
