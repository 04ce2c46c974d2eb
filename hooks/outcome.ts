/**
 * What a handler tells the dispatcher when it returns.
 *
 * @module
 */

/** The handler did everything that the event asked for. */
export interface Done {
  readonly kind: "done";
}

/** The handler has to be run again later, with the same event. */
export interface Deferred {
  readonly kind: "deferred";
  /** Why, in words for an operator. */
  readonly reason: string;
  /** Earliest time of the next attempt, in milliseconds from now; 0 means the next hook. */
  readonly retryAfterMs: number;
  /** When waiting stops, in milliseconds since the first deferral. Undefined: never. */
  readonly deadlineMs?: number;
}

/** The handler cannot go on until a human acts: the unit shows `blocked` with the message. */
export interface Blocked {
  readonly kind: "blocked";
  /** What the operator must do. */
  readonly message: string;
}

/** What a handler returns. */
export type Outcome = Done | Deferred | Blocked;

/** The one `Done` value. */
export const done: Done = { kind: "done" };

/** When a deferred handler runs again, and for how long that goes on. */
export interface DeferOptions {
  /**
   * Earliest time of the next attempt, in milliseconds from now. Default 0: the next hook. It is made with the first
   * hook after that time, at the latest with update-status (every five minutes by default).
   */
  retryAfterMs?: number;
  /**
   * Milliseconds after the first deferral at which waiting stops. The handler then runs one last time with
   * `ctx.deferral.expired` true; if it defers again, the entry is dropped with a warning.
   */
  deadlineMs?: number;
}

/**
 * Runs the handler again before a later hook of this unit, with the original event and a fresh context. A handler of
 * `broken` then no longer finds the relation: it keeps what it needs in `ctx.stored` when it runs first.
 *
 * @param reason why, in words for an operator
 */
export function deferred(reason: string, options: DeferOptions = {}): Deferred {
  const { retryAfterMs = 0, deadlineMs } = options;
  return { kind: "deferred", reason, retryAfterMs, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
}

/**
 * Stops here until a human acts.
 *
 * @param message what the operator must do; becomes the text of the unit's `blocked` status
 */
export function blocked(message: string): Blocked {
  return { kind: "blocked", message };
}
