/**
 * Runs a program of the machine to its end: an argument array, no shell, the C locale.
 *
 * @module
 */
import { ClientError, InputError } from "./errors.ts";

/** How a program ended. */
export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program gets. */
export interface CaptureOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Text for its standard input; without it, that is empty. It never shows in a process list. */
  readonly input?: string;
  /** Milliseconds after which the program is killed; without it, it may take as long as it likes. */
  readonly timeoutMs?: number;
}

/** A program did not end in time, and was killed. */
export class ProgramTimeoutError extends ClientError {
  override readonly name = "ProgramTimeoutError";

  constructor(readonly program: string, readonly timeoutMs: number) {
    super(
      `${program} did not end within ${timeoutMs} ms and was killed; look at the machine's load and disks, try again`,
    );
  }
}

/** What a killed program has opened may stay open in children of its own: that is not waited for. */
const KILLED_MS = 1000;

/**
 * @throws {InputError} when the machine does not have the program
 * @throws {ProgramTimeoutError} when it takes longer than it may
 */
export async function capture(
  program: string,
  args: readonly string[],
  { environment = {}, input, timeoutMs }: CaptureOptions = {},
): Promise<Captured> {
  const command = new Deno.Command(program, {
    args: [...args],
    env: { ...environment, LC_ALL: "C" },
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
  let child: Deno.ChildProcess;
  try {
    child = command.spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new InputError(`this machine has no ${program}: install the package that has it`);
    }
    throw error;
  }
  const ended = Promise.all([send(child, input), child.output()]);
  const [, { code, stdout, stderr }] =
    await (timeoutMs === undefined ? ended : inTime(ended, program, child, timeoutMs));
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function inTime<T>(ended: Promise<T>, program: string, child: Deno.ChildProcess, timeoutMs: number): Promise<T> {
  const result = await first(ended, timeoutMs);
  if (result !== undefined) return result;
  try {
    child.kill("SIGKILL");
  } catch {
    // It has just ended by itself.
  }
  await first(ended.catch(() => undefined), KILLED_MS);
  throw new ProgramTimeoutError(program, timeoutMs);
}

/** @returns undefined when the time is over first */
async function first<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: number | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), ms)),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** A program that ends before it has read everything says why by its exit status. */
async function send(child: Deno.ChildProcess, input: string | undefined): Promise<void> {
  if (input === undefined) return;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
