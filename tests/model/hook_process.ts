/**
 * One real process of a hook, an action or juju-exec, in a process group of its own.
 * Source: juju/juju internal/worker/uniter/runner/runner.go; contract 1.1.
 *
 * @module
 */

/** What is started. */
export interface ProcessOptions {
  /** Absolute path; becomes argv[0] as it is, symlinks not resolved. */
  readonly path: string;
  readonly args?: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (stream: "stdout" | "stderr", line: string) => void;
  /** The process and its children are killed after so many milliseconds. */
  readonly timeoutMs: number;
}

/** How a process ended. */
export interface ProcessEnd {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** Whether a background process of the hook lives on, as Juju lets it. */
  readonly survived: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** A running process. */
export interface HookProcess {
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  /** SIGKILL to the process and its children; nothing if they are gone. */
  kill(): void;
}

/** A background process of the hook may keep a pipe open: the agent waits no longer than this for more output. */
const DRAIN_MS = 1000;

/**
 * Starts a process.
 *
 * @param options what is started
 * @throws the operating system's refusal to start it
 */
export function startProcess(options: ProcessOptions): HookProcess {
  const child = new Deno.Command(options.path, {
    args: [...(options.args ?? [])],
    cwd: options.cwd,
    env: { ...options.env },
    clearEnv: true,
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = () => killGroup(child.pid);
  return { pid: child.pid, kill, ended: finish(child, options, kill) };
}

async function finish(child: Deno.ChildProcess, options: ProcessOptions, kill: () => void): Promise<ProcessEnd> {
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, options.timeoutMs);
  const stdout = collect(child.stdout, (line) => options.onLine("stdout", line));
  const stderr = collect(child.stderr, (line) => options.onLine("stderr", line));
  const status = await child.status;
  clearTimeout(timer);
  const drained = Promise.all([stdout.ended, stderr.ended]);
  const late = setTimeout(() => {
    stdout.cancel();
    stderr.cancel();
  }, DRAIN_MS);
  await drained;
  clearTimeout(late);
  return {
    code: status.signal === null ? status.code : null,
    signal: status.signal,
    timedOut,
    survived: signalGroup(child.pid, "SIGCONT"),
    stdout: stdout.bytes(),
    stderr: stderr.bytes(),
  };
}

function collect(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void) {
  const chunks: Uint8Array[] = [];
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = "";
  const ended = (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      chunks.push(part.value);
      const lines = (rest + decoder.decode(part.value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    }
    if (rest !== "") onLine(rest);
  })();
  return { ended, cancel: () => void reader.cancel(), bytes: () => concat(chunks) };
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * Kills what is left of a process group.
 *
 * @param pid process id of the group's first process
 */
export function killGroup(pid: number): void {
  signalGroup(pid, "SIGKILL");
}

/** SIGCONT does nothing to a running process: it only tells whether the group still has one. */
function signalGroup(pid: number, signal: "SIGKILL" | "SIGCONT"): boolean {
  try {
    Deno.kill(-pid, signal);
    return true;
  } catch (error) {
    // ESRCH: the whole group is gone already.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
