/**
 * Which process a pid stands for. A pid alone says little: after a reboot, or a while later, it is another's.
 *
 * @module
 */
import { capture } from "../run.ts";

/** Milliseconds that the kernel may take to tell. */
const READ_MS = 30_000;

/** A process, told apart from every later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the machine's start to the process's, field 22 of proc(5) stat. */
  readonly started: string;
}

/** What is known of a running process. */
export interface ProcessFacts extends ProcessIdentity {
  readonly group: number;
}

/** Facts of a process; undefined when there is none, or only what its parent has not taken note of (a zombie). */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  const text = await readProc(`${pid}/stat`);
  if (text === "") return undefined;
  // The program's name stands between brackets and may have spaces and brackets of its own.
  const [state = "", , group = "", ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const started = rest[16];
  if (/^[ZXx]$/.test(state) || started === undefined) return undefined;
  return { pid, started, group: Number(group) };
}

/** The facts of this very process; undefined when it has ended, whatever has its pid now. */
export async function alive(identity: ProcessIdentity | undefined): Promise<ProcessFacts | undefined> {
  if (!identity) return undefined;
  const facts = await processFacts(identity.pid);
  return facts?.started === identity.started ? facts : undefined;
}

/** Sends a signal; no error when the process or group has ended. @param pid a process, or a group as its negative */
export function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && (error as { code?: string }).code !== "ESRCH") throw error;
  }
}

/** Names this start of the machine. */
export async function bootId(): Promise<string> {
  return (await readProc("sys/kernel/random/boot_id")).trim();
}

/**
 * Text of a file below /proc; `""` when it is not there. Deno itself opens those only for a program that holds every
 * permission, which a handler does not.
 */
async function readProc(path: string): Promise<string> {
  const { code, stdout } = await capture("cat", [`/proc/${path}`], { timeoutMs: READ_MS });
  return code === 0 ? stdout : "";
}
