/**
 * How long a hook may wait for servers: whatever they do, it ends within ten seconds, and what is left is a deferral.
 *
 * @module
 */

/** What is left of a hook's time. */
export interface Budget {
  /** @param most milliseconds that the caller would wait at most @returns milliseconds that it may, 0 when none are left */
  leftMs(most: number): number;
}

/** All handlers of a hook share it; the rest of the ten seconds is for what is done without waiting. */
const HOOK_MS = 7500;

/** The time of a hook, which began when its process did. */
export function hookBudget(): Budget {
  // The clock of a process starts with it.
  return { leftMs: (most) => Math.max(0, Math.min(most, Math.round(HOOK_MS - performance.now()))) };
}

/** An action may take longer. */
export const UNLIMITED: Budget = { leftMs: (most) => most };
