/**
 * Runs a program of the machine to its end: an argument array, no shell, the C locale.
 *
 * @module
 */
import { InputError } from "./errors.ts";

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
}

/**
 * @throws {InputError} when the machine does not have the program
 */
export async function capture(
  program: string,
  args: readonly string[],
  { environment = {}, input }: CaptureOptions = {},
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
  const [, { code, stdout, stderr }] = await Promise.all([send(child, input), child.output()]);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
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
