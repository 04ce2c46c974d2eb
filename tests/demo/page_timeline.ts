/**
 * The page's timeline: a lane for each unit, a bar for each run. Places are in milliseconds; the style sheet scales them.
 *
 * @module
 */
import type { TimelineEntry } from "../model/mod.ts";
import { deferralsOf } from "./facts.ts";
import { escapeHtml } from "./html.ts";
import type { Chapter } from "./stage.ts";

/** Kinds of runs: class name, and label in the legend. */
export const KINDS = [
  ["lifecycle", "lifecycle"],
  ["config", "config-changed"],
  ["leader", "leadership"],
  ["peer", "peer relation"],
  ["relation", "regular relation"],
  ["secret", "secret"],
  ["action", "action or exec"],
] as const;

/** Marks above bars: class name, sign, and label in the legend. */
export const MARKS = [
  ["bad", "×", "killed, failed or refused: nothing was written"],
  ["retry", "↻", "retry"],
  ["deferred", "…", "handlers deferred"],
  ["resumed", "✓", "deferred handlers resumed or dropped"],
] as const;

const TICK_MS = 500;

/**
 * The kind of a run; peers are relations between units of one application.
 *
 * @param entry the run
 */
export function kindOf(entry: TimelineEntry): typeof KINDS[number][0] {
  const { kind, name, relation, remoteApp, unit } = entry;
  if (kind !== "hook") return "action";
  if (relation !== "") return remoteApp === unit.split("/", 1)[0] ? "peer" : "relation";
  if (name === "config-changed") return "config";
  if (name.startsWith("leader-")) return "leader";
  return name.startsWith("secret-") ? "secret" : "lifecycle";
}

function marksOf(entry: TimelineEntry): (typeof MARKS[number])[] {
  const { added, resolved } = deferralsOf(entry);
  const shown: Readonly<Record<string, boolean>> = {
    bad: entry.outcome !== "done" && entry.outcome !== "skipped",
    retry: entry.attempt > 1,
    deferred: added.length > 0,
    resumed: resolved.length > 0,
  };
  return MARKS.filter(([mark]) => shown[mark]);
}

/**
 * The timeline.
 *
 * @param timeline runs
 * @param chapters steps of the story
 */
export function renderTimeline(timeline: readonly TimelineEntry[], chapters: readonly Chapter[]): string {
  const units = [...new Set(timeline.map(({ unit }) => unit))]
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const total = Math.ceil(Math.max(0, ...timeline.map(({ end }) => end)));
  const ticks = Array.from({ length: Math.floor(total / TICK_MS) + 1 }, (_, tick) => {
    return `<span class="tick" style="--at:${tick * TICK_MS}">${(tick * TICK_MS / 1000).toFixed(1)} s</span>`;
  });
  return `<div class="track" style="--total:${total}">
<div class="steps"><span class="unit">step</span>${
    chapters.map((one, index) => step(timeline, one, index)).join("")
  }</div>
<div class="axis" aria-hidden="true"><span class="unit"></span>${ticks.join("")}</div>
${units.map((unit) => lane(timeline, unit)).join("\n")}
</div>`;
}

function step(timeline: readonly TimelineEntry[], { title, firstRun, endRun }: Chapter, index: number): string {
  const runs = timeline.slice(firstRun, endRun);
  if (runs.length === 0) return "";
  const from = Math.min(...runs.map(({ start }) => start));
  const ms = Math.max(...runs.map(({ end }) => end)) - from;
  const text = escapeHtml(`${index + 1} ${title}`);
  return `<span class="step" style="${place(from, ms)}" title="${text}">${text}</span>`;
}

function lane(timeline: readonly TimelineEntry[], unit: string): string {
  const name = escapeHtml(unit);
  const bars = timeline.map((entry, index) => entry.unit === unit ? { entry, index } : undefined)
    .filter((item) => item !== undefined).sort((a, b) => a.entry.start - b.entry.start)
    .map(({ entry, index }) => bar(entry, index));
  return `<div class="lane" role="group" aria-label="${name}"><span class="unit">${name}</span>${bars.join("")}</div>`;
}

function bar(entry: TimelineEntry, index: number): string {
  const marks = marksOf(entry);
  const classes = ["bar", kindOf(entry), ...marks.map(([mark]) => mark), ...entry.bags.length > 0 ? ["wrote"] : []];
  const label = [
    `${entry.unit} ${entry.name}`,
    entry.outcome,
    ...marks.filter(([mark]) => mark !== "bad").map(([, , text]) => text),
    ...entry.bags.length > 0 ? [`${entry.bags.length} databags changed`] : [],
  ].join(", ");
  const sign = marks.length > 0 ? ` data-sign="${marks.map(([, character]) => character).join("")}"` : "";
  return `<button type="button" class="${classes.join(" ")}" data-run="${index}" tabindex="-1"${sign} ` +
    `style="${place(entry.start, entry.end - entry.start)}" aria-label="${escapeHtml(label)}"></button>`;
}

function place(from: number, ms: number): string {
  return `--at:${from.toFixed(1)};--for:${ms.toFixed(1)}`;
}
