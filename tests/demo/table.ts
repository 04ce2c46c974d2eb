/**
 * Tables of a timeline for a terminal.
 *
 * @module
 */
import type { TimelineEntry } from "../model/mod.ts";
import { deferralsOf, endedWell, median } from "./facts.ts";

/** Columns of a time line. */
const STRIP_COLUMNS = 60;

/** Figures of one hook or action. */
export interface HookRow {
  readonly name: string;
  readonly runs: number;
  readonly medianMs: number;
  readonly commands: number;
  readonly retries: number;
  readonly deferred: number;
  /** Its runs along time: a mark where one began. */
  readonly strip: string;
}

/**
 * One row for each hook and action, in the order of first runs.
 *
 * @param timeline runs
 */
export function hookRows(timeline: readonly TimelineEntry[]): HookRow[] {
  const byName = new Map<string, TimelineEntry[]>();
  for (const entry of [...timeline].sort((a, b) => a.start - b.start)) {
    byName.set(entry.name, [...byName.get(entry.name) ?? [], entry]);
  }
  const sum = (entries: readonly TimelineEntry[], number: (entry: TimelineEntry) => number) =>
    entries.reduce((all, entry) => all + number(entry), 0);
  return [...byName].map(([name, entries]) => ({
    name,
    runs: entries.length,
    medianMs: median(entries.map((entry) => entry.end - entry.start)),
    commands: sum(entries, (entry) => entry.commands.length),
    retries: sum(entries, (entry) => entry.attempt > 1 ? 1 : 0),
    deferred: sum(entries, (entry) => deferralsOf(entry).added.length),
    strip: strip(entries, timeline),
  }));
}

/** Headings of {@linkcode hookCells}. */
export const HOOK_HEADINGS = ["Hook or action", "Runs", "Median ms", "Hook commands", "Retries", "Deferred"];

/**
 * Cells of a row; zeroes that say nothing are left empty.
 *
 * @param row the row
 */
export function hookCells(row: HookRow): string[] {
  const rare = (number: number) => number === 0 ? "" : String(number);
  const { name, runs, medianMs, commands, retries, deferred } = row;
  return [name, String(runs), medianMs.toFixed(0), String(commands), rare(retries), rare(deferred)];
}

/**
 * The per-hook table with its time line.
 *
 * @param timeline runs
 */
export function formatHooks(timeline: readonly TimelineEntry[]): string {
  const { from, until } = span(timeline);
  const scale = `${(from / 1000).toFixed(1)} s`.padEnd(STRIP_COLUMNS - 8) +
    `${(until / 1000).toFixed(1)} s`.padStart(8);
  const rows = [
    [...HOOK_HEADINGS, scale],
    ...hookRows(timeline).map((row) => [...hookCells(row), row.strip]),
  ];
  return formatTable(rows, new Set([1, 2, 3, 4, 5]));
}

/**
 * A table with aligned columns.
 *
 * @param rows all rows, the heading first
 * @param right columns that are aligned to the right
 */
export function formatTable(rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number) =>
    right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => `${row.map(pad).join("  ").trimEnd()}\n`).join("");
}

function span(timeline: readonly TimelineEntry[]): { from: number; until: number } {
  return {
    from: Math.min(...timeline.map((entry) => entry.start)),
    until: Math.max(...timeline.map((entry) => entry.end)),
  };
}

/** A run that went wrong hides the good ones of its column. */
function strip(entries: readonly TimelineEntry[], timeline: readonly TimelineEntry[]): string {
  const { from, until } = span(timeline);
  const marks = Array<string>(STRIP_COLUMNS).fill("·");
  for (const entry of entries) {
    const column = Math.min(
      STRIP_COLUMNS - 1,
      Math.floor((entry.start - from) / Math.max(1, until - from) * STRIP_COLUMNS),
    );
    if (marks[column] !== "x") marks[column] = endedWell(entry) ? "▪" : "x";
  }
  return marks.join("");
}
