/**
 * Runs the handlers of a hook: deferred ones that are due, the event's own, then flag rounds until quiet.
 *
 * @module
 */
import { deferAgain, deferralKey, type DeferredEntry, entryKey, isExpired, needsRelation } from "./deferral.ts";
import { dropEndpointFlags, raiseEndpointFlags } from "./endpoint_flags.ts";
import { FlagLoopError } from "./errors.ts";
import type { HookEvent } from "./event.ts";
import { conditionHolds, flagsOf } from "./flags.ts";
import type { Outcome } from "./outcome.ts";
import { type FlagStep, type Plan, type Step, watchesEndpoint } from "./plan.ts";
import type { Session } from "./session.ts";
import { oneLine } from "./status.ts";

/** More rounds than this mean that handlers keep triggering each other. */
const MAX_ROUNDS = 100;

/**
 * Runs a plan. Nothing is written: effects and state stay in the session.
 *
 * @throws whatever a handler throws; {@linkcode FlagLoopError} when flag handlers never come to rest
 */
export async function runPlan(session: Session, event: HookEvent, plan: Plan): Promise<void> {
  for (const entry of plan.lost) forget(session, entry, "this charm revision has no such handler");
  const orphaned = await orphans(session, plan.due);
  if (event.kind === "relation" && watchesEndpoint(plan.flagSteps, event.endpoint.name)) {
    await raiseEndpointFlags(session, event);
  }
  for (const step of plan.due) {
    if (step.entry && orphaned.has(step.entry)) forget(session, step.entry, "its relation is gone");
    else await runStep(session, step);
  }
  for (const step of plan.own) await runStep(session, step);
  await runFlagRounds(session, event, plan.flagSteps);
  if (event.kind === "relation") dropEndpointFlags(session, event);
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
  // A blocked handler is asked again like a deferred one: whoever mended the cause need not tell the unit.
  const again = outcome.kind === "blocked"
    ? { kind: "deferred" as const, reason: outcome.message, retryAfterMs: 0 }
    : outcome;
  const next = deferAgain(handler, event, again, entry, now);
  state.deferred = replaceInPlace(state.deferred, key, next);
  log.debug(`${handler}: deferred (attempt ${next.attempts}): ${again.reason}`);
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
