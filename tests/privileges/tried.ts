/**
 * How a handler did without a permission, as a line of a hook's output.
 *
 * @module
 */
import type { Declared } from "./declared.ts";

/** One run of a handler. */
export interface Tried {
  /** Of the hook. */
  readonly context: string;
  /** See {@linkcode nameOf}. */
  readonly handler: string;
  /** The permission that it lacked; empty for none. */
  readonly without: string;
  readonly end: "passed" | "held" | "missed" | "failed";
}

/** Words for a permission that is not there: Deno's, and those of clients that tell it in a status. */
export const DENIED = /Requires \w+ access|declare the permission \w+/;

const MARK = "tried without: ";

/** Such as `etcd peers, flags reconcile`. */
export function nameOf({ side, kind, name }: Omit<Declared, "needs">): string {
  return `${side}, ${kind} ${name}`;
}

export function writeTried(tried: Tried): string {
  return MARK + JSON.stringify(tried);
}

/** @returns undefined for a line of something else */
export function readTried(line: string): Tried | undefined {
  const at = line.indexOf(MARK);
  return at < 0 ? undefined : JSON.parse(line.slice(at + MARK.length));
}
