/**
 * Starting and timing one process.
 *
 * @module
 */
import { basename } from "node:path";

/** One process from start to end. */
export interface Run {
  /** Wall time, in milliseconds. */
  readonly ms: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Peak resident memory in bytes, 0 where it was not asked for. */
  readonly memory: number;
  readonly stdout: string;
}

/** How a program is run. */
export interface CommandOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** Whether its peak memory is looked up all the while, which takes time itself. */
  readonly watchMemory?: boolean;
}

/**
 * Runs a program in a clean environment, as the agent does.
 *
 * @param path absolute
 * @throws {Error} it fails; the message has what it printed
 */
export async function command(path: string, args: string[], options: CommandOptions = {}): Promise<Run> {
  const { env = {}, cwd = "/", watchMemory } = options;
  const piped = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const start = performance.now();
  const child = new Deno.Command(path, { args, env, cwd, clearEnv: true, ...piped }).spawn();
  const [{ success, code, stdout, stderr }, memory] = await Promise.all([
    child.output(),
    watchMemory ? peakMemory(child) : 0,
  ]);
  const ms = performance.now() - start;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${basename(path)} ended with ${code}: ${text(stderr).trim()}`);
  return { ms, startedAt: performance.timeOrigin + start, memory, stdout: text(stdout) };
}

/** The kernel counts the peak itself: the last of many looks until the end of the process has all but all of it. */
async function peakMemory({ pid, status }: Deno.ChildProcess): Promise<number> {
  let isRunning = true;
  status.finally(() => isRunning = false);
  let peak = 0;
  while (isRunning) {
    const text = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
    peak = Math.max(peak, Number(/^VmHWM:\s*(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024);
  }
  return peak;
}
