/**
 * The demo's page: one HTML file that needs nothing else.
 *
 * @module
 */
import type { TimelineEntry } from "../model/mod.ts";
import { countRuns, describeCounts } from "./facts.ts";
import { embedJson, escapeHtml, htmlTable } from "./html.ts";
import { detailsOf } from "./page_data.ts";
import { kindOf, KINDS, MARKS, renderTimeline } from "./page_timeline.ts";
import type { Chapter } from "./stage.ts";
import { HOOK_HEADINGS, hookCells, hookRows } from "./table.ts";

/** What the page shows. */
export interface PageContent {
  readonly timeline: readonly TimelineEntry[];
  readonly chapters: readonly Chapter[];
  /** Names of relations by id. */
  readonly relations: ReadonlyMap<number, string>;
  /** The status table. */
  readonly status: string;
}

/**
 * Writes the page. What comes from databags, logs and statuses stands in it as text and as data, never as HTML.
 *
 * @param content what it shows
 */
export async function renderPage(content: PageContent): Promise<string> {
  const { timeline, chapters, relations, status } = content;
  const [style, timelineStyle, script] = await Promise.all(["page.css", "page_timeline.css", "page.js"].map(readPart));
  const counts = describeCounts(countRuns(timeline))
    .map(([label, value]) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`);
  const steps = chapters.map(({ title, result }) => `<li><b>${escapeHtml(title)}</b> ${escapeHtml(result)}</li>`);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>Charmlet: the life of two applications</title>
<style>
${style}${timelineStyle}</style>
</head>
<body>
<header>
<h1>The life of two applications</h1>
<p>Every bar is a real process: one Charmlet executable, run by a simulated Juju agent as a hook or action of its unit.
Hover over a bar, or reach it with Tab and the arrow keys, to see what it changed.</p>
<dl class="counts">${counts.join("")}</dl>
</header>
<main>
<section aria-label="Timeline">
<div class="tools">
${legend(timeline)}
<span class="zoom" role="group" aria-label="Zoom">
<button type="button" data-zoom="out" aria-label="Zoom out">−</button>
<button type="button" data-zoom="fit">Fit</button>
<button type="button" data-zoom="in" aria-label="Zoom in">+</button>
</span>
</div>
<div class="timeline">
${renderTimeline(timeline, chapters)}
</div>
<aside id="details" aria-live="polite" aria-label="Details of the run"><p class="hint">No run is chosen.</p></aside>
</section>
<div class="columns">
<section><h2>Steps</h2><ol>${steps.join("\n")}</ol></section>
<section><h2>Hooks and actions</h2>${htmlTable(HOOK_HEADINGS, hookRows(timeline).map(hookCells))}</section>
</div>
<section><h2>Status before the removal</h2><pre class="status">${escapeHtml(status)}</pre></section>
</main>
<script type="application/json" id="runs">${embedJson(timeline.map((entry) => detailsOf(entry, relations)))}</script>
<script>
${script}</script>
</body>
</html>
`;
}

function legend(timeline: readonly TimelineEntry[]): string {
  const used = new Set(timeline.map(kindOf));
  const kinds = KINDS.filter(([kind]) => used.has(kind)).map(([kind, label]) =>
    `<li><i class="bar ${kind}"></i>${escapeHtml(label)}</li>`
  );
  const marks = MARKS.map(([mark, sign, label]) => `<li><i class="sign ${mark}">${sign}</i>${escapeHtml(label)}</li>`);
  const wrote = '<li><i class="bar lifecycle wrote"></i>databags changed</li>';
  return `<ul class="legend">${[...kinds, wrote, ...marks].join("")}</ul>`;
}

function readPart(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, import.meta.url));
}
