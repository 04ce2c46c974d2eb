/**
 * How a failure is told.
 *
 * @module
 */
import { ActionFailed, CharmletError } from "./errors.ts";
import type { Redactor } from "./redact.ts";
import type { RunOptions } from "./run_options.ts";
import { plain, shorten } from "./text.ts";

/** Prints one line that Juju logs at WARNING and, for an error nobody foresaw, its stack at DEBUG. */
export function reportFailure({ print, printError, invocation }: RunOptions, redactor: Redactor, error: unknown): void {
  printError(shorten(redactor.apply(`charmlet: ${invocation.name}: ${message(error)}`)));
  if (!(error instanceof CharmletError) && error instanceof Error && error.stack) print(redactor.apply(error.stack));
}

/** The error in one line of any length. */
export function message(error: unknown): string {
  if (error instanceof CharmletError) return error.wholeMessage;
  const text = error instanceof Error ? error.message : String(error);
  const named = error instanceof ActionFailed || !(error instanceof Error);
  return plain((named ? text : `${error.name}: ${text}`).replaceAll(/\s*\n\s*/g, "; "));
}
