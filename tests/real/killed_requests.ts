/**
 * Kills a program at one of its requests on TCP connections, with strace: it counts what the program's main thread sends,
 * where the runtime does all its network work, and does not touch the servers that the program starts.
 *
 * @module
 */
import { sendSignal } from "./units_processes.ts";

/** A request: the n-th call of a system call, and the n-th request in all. */
export interface RequestPoint {
  readonly number: number;
  readonly call: string;
  readonly ordinal: number;
}

/** Every system call that sends on a connection. */
const CALLS = "sendto,sendmsg,writev";
/** The call, the kind of connection, whom with, the first bytes, and how many there were. */
const SEND = /^(sendto|sendmsg|writev)\(\d+<(\w+):\[([^\]]*)\]>, (.{0,80}).*? = (\d+|\?)?/;
/** First byte of handshake and cipher change records, as strace prints it: no request is in them. */
const TLS_SETUP = /^(?:[[{].*?)?"\\(?:26|24|25)\\3/;
const MAX_ALIKE = 2;
/** Microseconds that a program is held after it has sent; it is killed long before. */
const HOLD_US = 20_000_000;
/** Milliseconds that the server gets to do what it was asked for. */
const ANSWER_MS = 300;
const POLL_MS = 20;
/** Of what is sent: more than the longest statement has. */
const MAX_BYTES = 4096;
/** A line of the record of a program that {@linkcode stopAtSends} has stopped. */
export const STOPPED = "--- stopped by SIGSTOP ---";

/**
 * A command that records what a program sends.
 *
 * @param trace file for the record
 * @param command the program and its arguments
 */
export function traceCommand(trace: string, command: readonly string[]): string[] {
  return strace(trace, [], command);
}

/**
 * Requests in a record, in order. Who waits for something asks the same again and again: what is sent to the same server
 * with the same length for the third time and later is left out.
 */
export async function requestsOf(trace: string): Promise<RequestPoint[]> {
  const calls: Record<string, number> = {};
  const found: RequestPoint[] = [];
  const alike: Record<string, number> = {};
  for (const line of (await Deno.readTextFile(trace)).split("\n")) {
    const [, call, family = "", peers = "", content = "", length = ""] = SEND.exec(line) ?? [];
    if (call === undefined) continue;
    const ordinal = calls[call] = (calls[call] ?? 0) + 1;
    if (!family.startsWith("TCP") || TLS_SETUP.test(content)) continue;
    const kind = `${peers.split("->")[1]} ${length}`;
    alike[kind] = (alike[kind] ?? 0) + 1;
    if (alike[kind] <= MAX_ALIKE) found.push({ number: found.length + 1, call, ordinal });
  }
  return found;
}

/**
 * Prepares the kill of a program at one request.
 *
 * @param trace file for the record
 * @param point the request, as an undisturbed run had it
 * @param when before it is sent, or when the server had it for a moment and the program has not read the answer
 */
export function killAtRequest(
  trace: string,
  { call, ordinal }: RequestPoint,
  when: "before" | "after",
): { command(command: readonly string[]): readonly string[]; stop(): Promise<void> } {
  let ended: Promise<void> | undefined;
  let stopped = false;
  const killWhenSent = async (): Promise<void> => {
    while (!stopped) {
      const text = await Deno.readTextFile(trace).catch(() => "");
      // The last line is not whole while the program is held.
      const sent = text.split("\n").filter((line) => line.startsWith(`${call}(`)).length;
      if (sent >= ordinal) {
        await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
        sendSignal(-Number(await Deno.readTextFile(`${trace}.pid`)), "SIGKILL");
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  return {
    command(command) {
      const what = when === "before" ? "signal=SIGKILL" : `delay_exit=${HOLD_US}`;
      if (when === "after") ended = killWhenSent();
      return noted(`${trace}.pid`, strace(trace, ["-e", `inject=${call}:${what}:when=${ordinal}`], command));
    },
    async stop() {
      stopped = true;
      await ended;
    },
  };
}

/**
 * A command that stops after everything that it sends, until it gets SIGCONT or is killed; its record then ends with
 * {@linkcode STOPPED}.
 *
 * @param trace file for a record of what is sent, and with `.pid` at its end for the id of the process group
 */
export function stopAtSends(trace: string, command: readonly string[]): string[] {
  return noted(`${trace}.pid`, strace(trace, ["-s", `${MAX_BYTES}`, "-e", `inject=${CALLS}:signal=SIGSTOP`], command));
}

/** The shell becomes the command: its process leads the group that the agent made for the hook. */
function noted(note: string, command: readonly string[]): string[] {
  return ["sh", "-c", 'echo $$ >"$1" && shift && exec "$@"', "sh", note, ...command];
}

function strace(trace: string, options: readonly string[], command: readonly string[]): string[] {
  return ["strace", "-qq", "-yy", "-s", "8", "-e", `trace=${CALLS}`, ...options, "-o", trace, "--", ...command];
}

/**
 * A command that is killed at its n-th call of any system call that sends, be it to the agent or to a server.
 *
 * @param call counted from 1; a program that sends less often ends by itself
 * @param command the program and its arguments
 */
export function killAtSend(call: number, command: readonly string[]): string[] {
  return strace("/dev/null", ["-e", `inject=${CALLS}:signal=SIGKILL:when=${call}`], command);
}
