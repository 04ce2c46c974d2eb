/**
 * Deferred handlers: what is remembered of each, and when one runs again.
 *
 * @module
 */
import type { HookEvent } from "./event.ts";
import type { Deferred } from "./outcome.ts";
import { oneLine } from "./text.ts";

/** A handler that asked to be run again, as it is stored. Times are milliseconds since 1970. */
export interface DeferredEntry {
  /** Which handler: binding and slot, such as `db:changed`. */
  readonly handler: string;
  /** The event, as it was. */
  readonly event: HookEvent;
  readonly reason: string;
  readonly firstSeen: number;
  /** How often the handler ran and deferred. */
  readonly attempts: number;
  /** Earliest time of the next attempt. */
  readonly due: number;
  /** When waiting stops. */
  readonly deadline?: number;
}

/**
 * What makes two deferrals the same: handler, event name, and everything that tells events of that name apart.
 * A tuple in JSON, never a joined string, so that hostile names cannot collapse different events.
 */
export function deferralKey(handler: string, event: HookEvent): string {
  return JSON.stringify([handler, event.name, ...identity(event)]);
}

function identity(event: HookEvent): (string | number | null)[] {
  switch (event.kind) {
    case "relation":
      return [event.endpoint.name, event.relationId, event.remoteUnit ?? null, event.remoteApp];
    case "storage":
      return [event.storage, event.storageId ?? null];
    case "secret":
      return [event.secretId, event.revision ?? null];
    case "workload":
      return [event.container, event.noticeId ?? null, event.checkName ?? null];
    case "lifecycle":
      return [];
  }
}

/** The key of a stored entry. */
export function entryKey(entry: DeferredEntry): string {
  return deferralKey(entry.handler, entry.event);
}

/** Whether an entry is to run now. */
export function isDue(entry: DeferredEntry, now: number): boolean {
  return entry.due <= now || isExpired(entry, now);
}

/** Whether waiting has lasted as long as the handler wanted it to. */
export function isExpired(entry: DeferredEntry, now: number): boolean {
  return entry.deadline !== undefined && entry.deadline <= now;
}

/**
 * The entry to store after a handler deferred.
 *
 * @param previous the entry under which it ran, when it was deferred before
 * @param now milliseconds since 1970
 */
export function deferAgain(
  handler: string,
  event: HookEvent,
  outcome: Deferred,
  previous: DeferredEntry | undefined,
  now: number,
): DeferredEntry {
  const firstSeen = previous?.firstSeen ?? now;
  const deadline = previous?.deadline ??
    (outcome.deadlineMs === undefined ? undefined : firstSeen + outcome.deadlineMs);
  return {
    handler,
    event,
    reason: oneLine(outcome.reason),
    firstSeen,
    attempts: (previous?.attempts ?? 0) + 1,
    due: now + outcome.retryAfterMs,
    ...(deadline === undefined ? {} : { deadline }),
  };
}

/** Whether an entry needs its relation to exist: all relation events but `broken`, which runs after its end. */
export function needsRelation(entry: DeferredEntry): boolean {
  return entry.event.kind === "relation" && entry.event.phase !== "broken";
}
