/**
 * Runs the handlers of a hook: deferred ones that are due, the event's own, then flag rounds until quiet.
 *
 * @module
 */
import { deferAgain, deferralKey, type DeferredEntry, entryKey, isExpired, needsRelation } from "./deferral.ts";
import { dropEndpointFlags, raiseEndpointFlags, refreshJoined } from "./endpoint_flags.ts";
import { FlagLoopError } from "./errors.ts";
import type { HookEvent } from "./event.ts";
import { conditionHolds, flagsOf } from "./flags.ts";
import type { Outcome } from "./outcome.ts";
import { type FlagStep, type Plan, type Step, watchedFlags } from "./plan.ts";
import type { Session } from "./session.ts";
import { oneLine } from "./text.ts";

/** More rounds than this mean that handlers keep triggering each other. */
const MAX_ROUNDS = 100;

/**
 * Runs a plan. Nothing is written: effects and state stay in the session.
 *
 * @throws whatever a handler throws; {@linkcode FlagLoopError} when flag handlers never come to rest
 */
export async function runPlan(session: Session, event: HookEvent, plan: Plan): Promise<void> {
  for (const entry of plan.lost) forget(session, entry, "this charm revision has no such handler");
  for (const entry of departed(session.state.deferred, event)) forget(session, entry, "the unit has departed");
  dropStaleStatuses(session, plan);
  const orphaned = await orphans(session, plan.due);
  await keepEndpointFlags(session, event, plan);
  for (const step of plan.due) {
    if (step.entry && orphaned.has(step.entry)) forget(session, step.entry, "its relation is gone");
    else if (step.entry && session.state.deferred.includes(step.entry)) await runStep(session, step);
  }
  for (const step of plan.own) await runStep(session, step);
  await runFlagRounds(session, event, plan.flagSteps);
  if (event.kind === "relation") dropEndpointFlags(session, event);
}

/** A unit's `joined` or `changed` makes no sense after its `departed`: it would bring the unit back. */
function departed(entries: readonly DeferredEntry[], event: HookEvent): DeferredEntry[] {
  if (event.kind !== "relation" || event.phase !== "departed") return [];
  return entries.filter(({ event: other }) =>
    other.kind === "relation" && other.relationId === event.relationId && other.remoteUnit === event.remoteUnit &&
    (other.phase === "joined" || other.phase === "changed")
  );
}

/** An upgrade may have dropped who reported a status: nobody else would take it back. */
function dropStaleStatuses({ state }: Session, { sources, flagSteps }: Plan): void {
  const { unit, application, blocked } = state.statuses;
  for (const part of [unit, application]) {
    for (const source of Object.keys(part)) if (!sources.has(source)) delete part[source];
  }
  const keys = new Set([...state.deferred.map(entryKey), ...flagSteps.map(({ handler }) => handler)]);
  for (const key of Object.keys(blocked)) if (!keys.has(key)) delete blocked[key];
}

async function keepEndpointFlags(session: Session, event: HookEvent, { flagSteps }: Plan): Promise<void> {
  if (event.kind === "relation") {
    const watched = watchedFlags(flagSteps, event.endpoint.name);
    if (watched.size === 0) return;
    const keys = [...watched].filter((flag) => flag.startsWith("changed.")).map((flag) => flag.slice(8));
    await raiseEndpointFlags(session, event, new Set(keys));
  } else if (event.name === "upgrade-charm") {
    const endpoints = session.charm.endpoints.filter(({ name }) => watchedFlags(flagSteps, name).size > 0);
    await refreshJoined(session, endpoints);
  }
}

async function runStep(session: Session, step: Step): Promise<void> {
  const outcome = await step.run(session, step.entry);
  settle(session, step, outcome);
}

/** Keeps, replaces or drops the deferred entry of a step, as its outcome asks. */
function settle(session: Session, { handler, event, entry }: Step, outcome: Outcome): void {
  const { state, log } = session;
  const key = deferralKey(handler, event);
  const now = session.now();
  delete state.statuses.blocked[key];
  const others = state.deferred.filter((other) => entryKey(other) !== key);
  if (outcome.kind === "done") {
    state.deferred = others;
    return;
  }
  if (outcome.kind === "blocked") {
    state.statuses.blocked[key] = oneLine(outcome.message);
    log.warning(`${handler}: blocked: ${outcome.message}`);
  } else if (entry && isExpired(entry, now)) {
    state.deferred = others;
    log.warning(`${handler}: gave up after ${entry.attempts + 1} attempts: ${outcome.reason}`);
    return;
  }
  if (outcome.kind === "deferred") log.debug(`${handler}: deferred: ${outcome.reason}`);
  // A blocked handler is asked again like a deferred one: whoever mended the cause need not tell the unit.
  const again = outcome.kind === "blocked"
    ? { kind: "deferred" as const, reason: outcome.message, retryAfterMs: 0 }
    : outcome;
  const next = deferAgain(handler, event, again, entry, now);
  state.deferred = replaceInPlace(state.deferred, key, next);
}

/** Keeps the place of an entry that defers again: entries run in the order of their first deferral. */
function replaceInPlace(entries: readonly DeferredEntry[], key: string, next: DeferredEntry): DeferredEntry[] {
  return entries.some((entry) => entryKey(entry) === key)
    ? entries.map((entry) => entryKey(entry) === key ? next : entry)
    : [...entries, next];
}

function forget(session: Session, entry: DeferredEntry, why: string): void {
  const key = entryKey(entry);
  session.state.deferred = session.state.deferred.filter((other) => entryKey(other) !== key);
  delete session.state.statuses.blocked[key];
  session.log.warning(`${entry.handler}: dropped the deferred ${entry.event.name} (${entry.reason}): ${why}`);
}

/** Due entries whose relation no longer exists. */
async function orphans(session: Session, due: readonly Step[]): Promise<Set<DeferredEntry>> {
  const orphaned = new Set<DeferredEntry>();
  await Promise.all(due.map(async ({ entry, event }) => {
    if (!entry || event.kind !== "relation" || !needsRelation(entry)) return;
    const ids = await session.relationIds(event.endpoint.name);
    if (!ids.includes(event.relationId)) orphaned.add(entry);
  }));
  return orphaned;
}

/**
 * A handler runs when its condition holds, and again only after a flag that it looks at has changed.
 * Source: charms.reactive bus.dispatch.
 */
async function runFlagRounds(session: Session, event: HookEvent, steps: readonly FlagStep[]): Promise<void> {
  const { flags, statuses } = session.state;
  let pending = new Set(steps);
  for (let round = 1; pending.size > 0; round++) {
    const ready = steps.filter((step) => pending.has(step) && conditionHolds(step, flags));
    if (ready.length === 0) break;
    if (round > MAX_ROUNDS) {
      const names = ready.map(({ handler }) => handler).join(", ");
      throw new FlagLoopError(
        `flag handlers keep triggering each other after ${MAX_ROUNDS} rounds: ${names}; ` +
          "each must clear or set a flag that stops it",
      );
    }
    for (const step of ready) {
      if (!conditionHolds(step, flags)) continue;
      pending.delete(step);
      const before = new Set(flags);
      const outcome = await step.run(session, event);
      const changed = before.symmetricDifference(flags);
      pending = pending.union(new Set(steps.filter((other) => flagsOf(other).some((flag) => changed.has(flag)))));
      if (outcome.kind === "blocked") statuses.blocked[step.handler] = oneLine(outcome.message);
      else delete statuses.blocked[step.handler];
    }
  }
  for (const step of steps) if (!conditionHolds(step, flags)) delete statuses.blocked[step.handler];
}
