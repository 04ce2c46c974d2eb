/**
 * Processes that belong to a directory: started in it, or with a path below it in their command line.
 *
 * @module
 */
import { basename } from "node:path";

/** One process. */
export interface FoundProcess {
  readonly pid: number;
  /** Name of its program, such as `etcd`. */
  readonly program: string;
  readonly argv: readonly string[];
}

/** Milliseconds that processes have for their orderly end. */
const STOP_MS = 5_000;
const POLL_MS = 50;

/**
 * Finds processes by their directory.
 *
 * @param directory absolute path
 */
export function findProcesses(directory: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  const isOurs = (path: string) => path === directory || path.includes(`${directory}/`);
  for (const { pid, argv } of everyProcess()) {
    if (pid === Deno.pid || !(argv.some(isOurs) || isOurs(`${workingDirectory(pid)}/`))) continue;
    found.push({ pid, program: basename(argv[0] ?? ""), argv });
  }
  return found;
}

/** Every process of this machine with its command line; those that have ended or are of the kernel have none. */
export function everyProcess(): { pid: number; argv: string[] }[] {
  const found: { pid: number; argv: string[] }[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const argv = commandLine(name);
    if (argv.length > 0) found.push({ pid: Number(name), argv });
  }
  return found;
}

/**
 * Ends every process of a directory.
 *
 * @param directory absolute path
 * @param stopMs milliseconds until those that are left are killed
 */
export async function clearProcesses(directory: string, stopMs = STOP_MS): Promise<void> {
  const killAt = Date.now() + stopMs;
  for (let asked = false;;) {
    const left = findProcesses(directory);
    if (left.length === 0) return;
    if (Date.now() >= killAt) { for (const { pid } of left) sendSignal(pid, "SIGKILL"); }
    else if (!asked) {
      for (const { pid } of left) sendSignal(pid, "SIGTERM");
      // A stopped process hears nothing else.
      for (const { pid } of left) sendSignal(pid, "SIGCONT");
      asked = true;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Sends a signal; nothing if the process has ended. */
export function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** A file of a process below /proc; empty when it has ended, or is another user's. */
export function procText(pid: string, file: "cmdline" | "environ"): string {
  return unlessGone(() => Deno.readTextFileSync(`/proc/${pid}/${file}`));
}

function commandLine(pid: string): string[] {
  return procText(pid, "cmdline").split("\0").slice(0, -1);
}

function workingDirectory(pid: number): string {
  return unlessGone(() => Deno.readLinkSync(`/proc/${pid}/cwd`));
}

/** A process may end while it is looked at, and others' are not for everybody to see. */
function unlessGone(read: () => string): string {
  try {
    return read();
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
      (error instanceof Error && error.message.includes("No such process"));
    if (isGone) return "";
    throw error;
  }
}
