/**
 * What a hook command is made of, and how one ends.
 *
 * @module
 */
import type { FlagSpec } from "../go_flags.ts";
import { goQuoteList } from "../go_flags.ts";
import type { Format, Printable } from "../format.ts";
import type { HookRun } from "../hook_run.ts";

/** Wrong arguments: the command exits with 2 before it does anything. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command failed while it ran and exits with 1. */
export class RunError extends Error {
  override readonly name = "RunError";
}

/** The command reads standard input, and the caller sent none yet. */
export class StdinNeeded extends Error {
  override readonly name = "StdinNeeded";
}

/** One call of a command, flags already read. */
export interface CommandCall {
  readonly run: HookRun;
  readonly command: string;
  /** Values by the first spelling of their flag. */
  readonly flags: ReadonlyMap<string, string>;
  readonly args: readonly string[];
  /** Chosen output format. */
  readonly format: Format;
  /** Absolute working directory of the caller. */
  readonly dir: string;
  readonly stdin: Uint8Array | undefined;
}

/** What a command prints. */
export interface CommandResult {
  /** Printed in the chosen format; undefined prints nothing at all. */
  readonly value?: Printable;
  /** The value is a list of strings that `smart` prints line by line. */
  readonly asLines?: boolean;
  /** Printed as it is. */
  readonly text?: string;
  readonly stderr?: string;
}

/** A hook command. */
export interface CommandDefinition {
  readonly name: string;
  /** Positional arguments for `--help`; a function when they depend on the hook. */
  readonly usage: string | ((run: HookRun) => string);
  readonly purpose: string;
  readonly details?: (run: HookRun) => string;
  readonly flags?: (run: HookRun) => readonly FlagSpec[];
  /** Formats of a command that prints values; the first is the default. */
  readonly formats?: readonly Format[];
  /** First Juju line that has the command, as `major * 100 + minor`. */
  readonly since?: number;
  /** First Juju line that has it no more. */
  readonly until?: number;
  readonly perform: (call: CommandCall) => CommandResult;
}

/** Formats of most commands that print values. */
export const ALL_FORMATS: readonly Format[] = ["smart", "yaml", "json"];

/** Formats of commands that print structures only. */
export const STRUCTURE_FORMATS: readonly Format[] = ["yaml", "json"];

/** `--format` of commands that print nothing: accepted, with a note on stderr. */
export const IGNORED_FORMAT: FlagSpec = { names: ["format"], type: "string", usage: "deprecated format flag" };

/**
 * The note about a `--format` that has no effect, without a newline as in Juju.
 *
 * @param call the call
 */
export function formatNote(call: CommandCall): CommandResult {
  return call.flags.get("format") ? { stderr: `--format flag deprecated for command "${call.command}"` } : {};
}

/**
 * Refuses positional arguments that no one reads.
 *
 * @param args what is left
 * @throws {UsageError} something is left
 */
export function checkEmpty(args: readonly string[]): void {
  if (args.length > 0) throw new UsageError(`unrecognized args: ${goQuoteList(args)}`);
}
