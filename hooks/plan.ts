/**
 * What a hook is going to run, decided from the event, the charm's bindings and the stored state alone.
 *
 * @module
 */
import { Context } from "./context.ts";
import { deferralKey, type DeferredEntry, entryKey, isDue } from "./deferral.ts";
import {
  type Binding,
  type EndHook,
  type FlagHandler,
  type Handler,
  handlerFunction,
  handlerNeeds,
  type HookHandler,
  type Needs,
} from "./definition.ts";
import type { HookEvent, RelationEvent } from "./event.ts";
import { type FlagCondition, flagsOf } from "./flags.ts";
import type { Outcome } from "./outcome.ts";
import type { Session } from "./session.ts";
import { lifecycleSlot } from "./slots.ts";

/** One handler with the event that it is to handle. */
export interface Step {
  /** Which handler: source and slot, such as `db:changed`. */
  readonly handler: string;
  readonly event: HookEvent;
  readonly needs: Needs;
  /** The entry of an earlier deferral of the same handler and event. */
  readonly entry: DeferredEntry | undefined;
  readonly run: (session: Session, entry?: DeferredEntry) => Promise<Outcome>;
}

/** A flag handler with its flags' full names. */
export interface FlagStep extends FlagCondition {
  /** Such as `db:when publish`. */
  readonly handler: string;
  readonly needs: Needs;
  readonly notIn: readonly EndHook[];
  readonly run: (session: Session, event: HookEvent) => Promise<Outcome>;
}

/** What a hook is going to run. */
export interface Plan {
  /** Deferred steps that are due, oldest first. */
  readonly due: readonly Step[];
  /** Deferred entries that wait on. */
  readonly waiting: readonly DeferredEntry[];
  /** Deferred entries whose handler this executable no longer has. */
  readonly lost: readonly DeferredEntry[];
  /** The event's own steps. */
  readonly own: readonly Step[];
  /** Those that do not sit this hook out. */
  readonly flagSteps: readonly FlagStep[];
  /** Who can report statuses in this charm revision. */
  readonly sources: ReadonlySet<string>;
}

/**
 * Plans a hook. An entry that is the same as one of the event's own steps is not run twice: it becomes that step's.
 *
 * @param now milliseconds since 1970
 */
export function planHook(
  event: HookEvent,
  bindings: readonly Binding[],
  deferred: readonly DeferredEntry[],
  now: number,
): Plan {
  const entries = new Map(deferred.map((entry) => [entryKey(entry), entry]));
  const own = stepsOf(event, bindings).map((step) => ({
    ...step,
    entry: entries.get(deferralKey(step.handler, event)),
  }));
  const taken = new Set(own.map(({ entry }) => entry));
  const due: Step[] = [];
  const waiting: DeferredEntry[] = [];
  const lost: DeferredEntry[] = [];
  for (const entry of deferred) {
    if (taken.has(entry)) continue;
    const step = stepsOf(entry.event, bindings).find(({ handler }) => handler === entry.handler);
    if (!step) lost.push(entry);
    else if (isDue(entry, now)) due.push({ ...step, entry });
    else waiting.push(entry);
  }
  const sources = new Set(["", ...bindings.map(({ source }) => source)]);
  const flagSteps = bindings.flatMap(flagStepsOf).filter(({ notIn }) => !notIn.some((hook) => hook === event.name));
  return { due, waiting, lost, own, flagSteps, sources };
}

/** Everything that some handler of the plan may need. */
export function needsOf(plan: Plan): Set<Needs[number]> {
  return new Set([...plan.due, ...plan.own, ...plan.flagSteps].flatMap(({ needs }) => needs));
}

/** The steps that an event asks for, without regard to deferrals. */
export function stepsOf(event: HookEvent, bindings: readonly Binding[]): Omit<Step, "entry">[] {
  if (event.kind === "relation") {
    return bindings.flatMap((binding) => binding.source === event.endpoint.name ? relationSteps(event, binding) : []);
  }
  const slot = lifecycleSlot(event);
  return bindings.flatMap((binding) => {
    // Each slot's handler takes the events that lifecycleSlot maps to it; the union cannot say so.
    const handler = binding.definition.lifecycle?.[slot] as Handler<HookHandler<HookEvent>> | undefined;
    if (handler === undefined) return [];
    const run = async (session: Session, entry?: DeferredEntry) =>
      await handlerFunction(handler)(new Context(session, event, binding.source, binding.endpoint, entry));
    return [{ handler: `${binding.source}:${slot}`, event, needs: handlerNeeds(handler, binding.definition), run }];
  });
}

function relationSteps(event: RelationEvent, binding: Binding): Omit<Step, "entry">[] {
  const handler = binding.definition.on?.[event.phase];
  if (handler === undefined) return [];
  // A deferred event carries the endpoint as an older charm revision had it.
  const current = binding.endpoint ? { ...event, endpoint: binding.endpoint } : event;
  const run = async (session: Session, entry?: DeferredEntry) => {
    const ctx = new Context(session, current, binding.source, binding.endpoint, entry);
    return await handlerFunction(handler)(ctx, ctx.eventRelation());
  };
  return [{
    handler: `${binding.source}:${event.phase}`,
    event,
    needs: handlerNeeds(handler, binding.definition),
    run,
  }];
}

/** The flag handlers of a binding. */
export function flagStepsOf({ source, endpoint, definition }: Binding): FlagStep[] {
  const expand = (flags: readonly string[] = []) => flags.map((flag) => flag.replaceAll("{endpoint}", source));
  return (definition.when ?? []).map((handler: FlagHandler) => ({
    handler: `${source}:when ${handler.name}`,
    when: expand(handler.when),
    whenNot: expand(handler.whenNot),
    whenAny: expand(handler.whenAny),
    needs: handler.needs ?? definition.needs ?? [],
    notIn: handler.notIn ?? [],
    run: async (session, event) => await handler.run(new Context(session, event, source, endpoint)),
  }));
}

/** The automatic flags of an endpoint that some flag handler looks at, without their common prefix. */
export function watchedFlags(flagSteps: readonly FlagStep[], endpoint: string): Set<string> {
  const prefix = `endpoint.${endpoint}.`;
  const flags = flagSteps.flatMap(flagsOf).filter((flag) => flag.startsWith(prefix));
  return new Set(flags.map((flag) => flag.slice(prefix.length)));
}
