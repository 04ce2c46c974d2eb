/**
 * How tasks of actions have to end.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import type { ActionTask } from "../model/state.ts";

type Ending = Pick<ActionTask, "status" | "message" | "results">;

/** Fails unless a task ended well. @returns its results as texts */
export async function completed(
  task: Promise<Ending>,
  what = "end of the action",
): Promise<Readonly<Record<string, string>>> {
  const { status, message, results } = await task;
  assertEquals([status, message], ["completed", ""], what);
  return Object.fromEntries(Object.entries(results).map(([key, value]) => [key, String(value)]));
}

/** Fails unless a task failed. @param reason what its message has to say */
export async function refused(task: Promise<Ending>, reason: RegExp): Promise<void> {
  const { status, message } = await task;
  assertEquals(status, "failed", message);
  assertMatch(message, reason);
}
