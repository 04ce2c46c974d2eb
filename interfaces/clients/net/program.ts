/**
 * Runs programs of the machine: argument arrays, no shell, bounded in time and output.
 *
 * @module
 */
import { ForbiddenError, ProgramMissingError } from "./errors.ts";

/** Most that is read of each output stream, in bytes. */
const MAX_OUTPUT = 4 * 1024 * 1024;

/** Bytes that are read at a time: by default, each line of each of many programs would take 64 KiB. */
const CHUNK = 4096;

/** Between the interrupt and the end of a program that takes too long, in milliseconds. */
const LAST_WORDS_MS = 500;

/** Programs whose output these checks read, and the Debian packages that have them. */
const PACKAGES = {
  ping: "iputils-ping",
  iperf3: "iperf3",
  grep: "grep",
  timeout: "coreutils",
  getent: "libc-bin",
} as const;

/** A program that a check may run. */
export type Program = keyof typeof PACKAGES;

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** It was killed because its time, or the room for its output, was over. */
  readonly cutOff: boolean;
}

/**
 * Starts a program with the C locale and no stdin.
 *
 * @param detached whether it may outlive this process, in a session of its own
 * @throws {ProgramMissingError | ForbiddenError}
 */
export function startProgram(program: Program, args: readonly string[], detached: boolean): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: [...args],
      env: { LC_ALL: "C" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached,
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw missingProgram(program);
    if (error instanceof Deno.errors.NotCapable) {
      throw new ForbiddenError(`${program} may not be run: declare the permission run`);
    }
    // Also a program with capabilities that a container has taken away.
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new ForbiddenError(`the machine refuses to run ${program}: check its mode and its capabilities (getcap)`);
    }
    throw error;
  }
}

/** The error that says which package to install. */
export function missingProgram(program: Program): ProgramMissingError {
  return new ProgramMissingError(program, `install Debian's package ${PACKAGES[program]}`);
}

/**
 * Runs a program to its end.
 *
 * @param timeoutMs after which it is interrupted, so that it may still say how far it got, and killed soon after
 * @throws {ProgramMissingError | ForbiddenError}
 */
export async function runProgram(program: Program, args: readonly string[], timeoutMs: number): Promise<Ended> {
  const child = startProgram(program, args, false);
  let cutOff = false;
  const end = (signal: Deno.Signal) => {
    cutOff = true;
    sendSignal(child, signal);
  };
  const timers = [
    setTimeout(() => end("SIGINT"), timeoutMs),
    setTimeout(() => end("SIGKILL"), timeoutMs + LAST_WORDS_MS),
  ];
  const kill = () => end("SIGKILL");
  try {
    const [stdout, stderr, { code }] = await Promise.all([
      readText(child.stdout, kill),
      readText(child.stderr, kill),
      child.status,
    ]);
    return { code, stdout, stderr, cutOff };
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

/** Signals a process that may have ended by itself. */
export function sendSignal(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
  }
}

async function readText(stream: ReadableStream<Uint8Array>, onOverflow: () => void): Promise<string> {
  const decoder = new TextDecoder();
  const reader = stream.getReader({ mode: "byob" });
  let text = "";
  let bytes = 0;
  for (let buffer = new ArrayBuffer(CHUNK);;) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > MAX_OUTPUT) {
      onOverflow();
      await reader.cancel();
      return text;
    }
    text += decoder.decode(value, { stream: true });
    buffer = value.buffer;
  }
}

/** The last line of what a program said, without its name, at most 120 characters. */
export function lastLine(text: string): string {
  const line = text.trim().split("\n").at(-1) ?? "";
  return line.replace(/^[\w./]+: /, "").replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 120);
}
