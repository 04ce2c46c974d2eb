/**
 * Figures of a timeline.
 *
 * @module
 */
import type { TimelineEntry } from "../model/mod.ts";

/** Keys under which Charmlet keeps deferred handlers, as the agent stores them. */
const DEFERRED_KEY = /^charmlet\.deferred\.\d+$/;

/** What a run did to its unit's deferred handlers. */
export interface Deferrals {
  /** Reasons of the handlers that it deferred. */
  readonly added: readonly string[];
  /** Reasons of those that it ran to their end, or dropped with their relation. */
  readonly resolved: readonly string[];
}

/**
 * Deferrals of a run, from the state that it committed.
 *
 * @param entry the run
 */
export function deferralsOf({ state }: Pick<TimelineEntry, "state">): Deferrals {
  if (!state) return { added: [], resolved: [] };
  const [before, after] = [state.before, state.after].map((bag) =>
    new Map(Object.entries(bag).filter(([key, value]) => DEFERRED_KEY.test(key) && value !== ""))
  );
  const missing = (from: typeof before, to: typeof before) =>
    [...from ?? []].filter(([key]) => !to?.has(key)).map(([, value]) => reasonOf(value));
  return { added: missing(after, before), resolved: missing(before, after) };
}

function reasonOf(value: string): string {
  const entry: unknown = JSON.parse(value);
  if (typeof entry !== "object" || entry === null || !("reason" in entry)) return "";
  return typeof entry.reason === "string" ? entry.reason : "";
}

/** Whether a run ended as it should. */
export function endedWell({ outcome }: Pick<TimelineEntry, "outcome">): boolean {
  return outcome === "done" || outcome === "skipped";
}

/** Figures of a whole demo. */
export interface Counts {
  readonly hooks: number;
  readonly actions: number;
  readonly hookCommands: number;
  readonly databagChanges: number;
  readonly deferred: number;
  readonly resumed: number;
  readonly killed: number;
  readonly refusedCommits: number;
  readonly retries: number;
  /** Medians in milliseconds of hooks that ended well. */
  readonly medianMs: number;
}

/**
 * Counts a timeline.
 *
 * @param timeline runs
 */
export function countRuns(timeline: readonly TimelineEntry[]): Counts {
  const count = (test: (entry: TimelineEntry) => boolean) => timeline.filter(test).length;
  const sum = (number: (entry: TimelineEntry) => number) => timeline.reduce((all, entry) => all + number(entry), 0);
  return {
    hooks: count((entry) => entry.kind === "hook"),
    actions: count((entry) => entry.kind === "action"),
    hookCommands: sum((entry) => entry.commands.length),
    databagChanges: sum((entry) => entry.bags.length),
    deferred: sum((entry) => deferralsOf(entry).added.length),
    resumed: sum((entry) => deferralsOf(entry).resolved.length),
    killed: count((entry) => entry.outcome === "killed"),
    refusedCommits: count((entry) => entry.outcome === "refused"),
    retries: count((entry) => entry.attempt > 1),
    medianMs: median(timeline.filter(endedWell).map((entry) => entry.end - entry.start)),
  };
}

/**
 * The counts in words.
 *
 * @param counts the counts
 */
export function describeCounts(counts: Counts): [label: string, value: string][] {
  return [
    ["hooks", String(counts.hooks)],
    ["actions", String(counts.actions)],
    ["hook commands", String(counts.hookCommands)],
    ["databag changes", String(counts.databagChanges)],
    ["deferred", String(counts.deferred)],
    ["resumed or dropped", String(counts.resumed)],
    ["killed", String(counts.killed)],
    ["commits refused", String(counts.refusedCommits)],
    ["retries", String(counts.retries)],
    ["median ms a hook", counts.medianMs.toFixed(0)],
  ];
}

/**
 * The middle of some numbers; 0 of none.
 *
 * @param numbers in any order
 */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}
