/**
 * Runs the cases of `event-cases` files: recorded decisions of the replication library, event by event.
 *
 * @module
 */
import { compareEvent } from "./trace_events_compare.ts";
import { CORRECTIONS, EVENT_CONDITIONS, isWhole } from "./trace_events_deviations.ts";
import type { EventCase, EventStep } from "./trace_events_format.ts";
import { type EventOutcome, runEventStep } from "./trace_events_run.ts";
import { type Deviations, explains, type Verdict } from "./trace_deviations.ts";
import type { Difference } from "./trace_compare.ts";

/** A step that did what neither the trace nor a deviation says. */
export interface EventFailure {
  readonly id: string;
  readonly differences: readonly Difference[];
}

/** Counts of steps. */
export interface EventResult {
  readonly passed: number;
  readonly deviating: number;
  readonly failed: readonly EventFailure[];
}

/** Runs cases. */
export async function runEventCases(cases: readonly EventCase[], deviations: Deviations): Promise<EventResult> {
  const counts = { passed: 0, deviating: 0 };
  const failed: EventFailure[] = [];
  for (const each of cases) {
    for (const [index, step] of each.steps.entries()) {
      const id = `${each.id} step ${index} (${step.event.name})`;
      try {
        const { verdict, unexplained } = judgeEvent(deviations, step, await runEventStep(step));
        if (verdict === "failed") failed.push({ id, differences: unexplained });
        else counts[verdict]++;
      } catch (error) {
        const got = `the step cannot be run: ${error instanceof Error ? error.message : String(error)}`;
        failed.push({ id, differences: [{ what: "", expected: "an event", got }] });
      }
    }
  }
  return { ...counts, failed };
}

/** Judges an event. One that a deviation had to explain, or that the traces tag, is never counted as passed. */
export function judgeEvent(
  deviations: Deviations,
  step: EventStep,
  outcome: EventOutcome,
): { readonly verdict: Verdict; readonly unexplained: readonly Difference[] } {
  const about = Object.entries(deviations).filter(([, { also = "" }]) => EVENT_CONDITIONS[also]?.(step) ?? false);
  const corrected = about.reduce((expect, [id]) => CORRECTIONS[id]?.(step, expect) ?? expect, step.expect);
  const allowing = about.filter(([id]) => !isWhole(id, step)).map(([, deviation]) => deviation);
  const differences = compareEvent(corrected, outcome);
  const unexplained = differences.filter(({ what }) => !allowing.some((deviation) => explains(deviation, what)));
  const waited = outcome.waits > 0 && !about.some(([id]) => id === "ASYNC-7")
    ? [{ what: "deferred", expected: "none", got: `${outcome.waits} hooks` }]
    : [];
  if (unexplained.length + waited.length > 0) return { verdict: "failed", unexplained: [...unexplained, ...waited] };
  const isTagged = (step.oddities ?? []).some((id) => id in deviations);
  const isPlain = compareEvent(step.expect, outcome).length === 0 && outcome.waits === 0;
  return { verdict: isPlain && !isTagged ? "passed" : "deviating", unexplained: [] };
}
