/**
 * The picture of the table: bars of whole-process times.
 *
 * @module
 */
import { findRow, OURS, type Row, SLOW_MS, slowly } from "./rows.ts";

/** A bar: whose, and how long. */
interface Bar {
  readonly label: string;
  readonly ms: number;
  readonly ratio: number;
  readonly isOurs: boolean;
}

/** Hooks in the order of the picture, with what they do. */
const HOOKS: readonly (readonly [group: string, title: string])[] = [
  ["update-status", "nothing to do"],
  ["changed-2", "reads 2 databags"],
  ["changed-10", "reads 10 databags"],
  ["changed-100", "reads 100 databags"],
];

/** Sizes in pixels. */
const WIDTH = 960;
const PANEL = WIDTH / 2;
const LABEL = 160;
const BAR = 180;
const LINE = 20;
const TOP = 72;

const STYLE = `text{font:13px system-ui,sans-serif;fill:#24292f}
.title{font-size:16px;font-weight:600}.head{font-weight:600}.note{fill:#57606a}
.ours{fill:#1a7f37}.other{fill:#9aa4ae}`;

/**
 * Draws the picture.
 *
 * @param rows what was measured; a program or a speed that is not among them is left out
 * @param versions of the peers, by their names
 * @returns an SVG document
 */
export function drawPicture(rows: readonly Row[], versions: Readonly<Record<string, string>>): string {
  const programs = [OURS, `${OURS} by processes`, ...Object.keys(versions)];
  const label = (program: string) => versions[program] === undefined ? program : `${program} ${versions[program]}`;
  const bars = (group: string, nameOf: (program: string) => string): Bar[] => {
    const ours = findRow(rows, group, OURS)?.ms.median ?? NaN;
    return programs.flatMap((program) => {
      const row = program === OURS ? findRow(rows, group, OURS) : findRow(rows, group, nameOf(program));
      if (!row) return [];
      return [{ label: label(program), ms: row.ms.median, ratio: row.ms.median / ours, isOurs: program === OURS }];
    });
  };
  const panels = [
    { title: "Hook commands as fast as they can be", nameOf: (program: string) => program },
    { title: `Hook commands of ${SLOW_MS} ms each`, nameOf: slowly },
  ];
  const parts = panels.flatMap(({ title, nameOf }, column) => [
    text(column * PANEL + 20, TOP - 14, title, "head"),
    ...panel(column * PANEL + 20, HOOKS.map(([group, does]) => ({ title: does, bars: bars(group, nameOf) }))),
  ]);
  const height = TOP + HOOKS.length * (programs.length + 2) * LINE + 24;
  const runs = Math.min(...rows.map((row) => row.runs));
  const content = [
    `<style>${STYLE}</style>`,
    `<rect width="${WIDTH}" height="${height}" rx="8" fill="#fff" stroke="#d0d7de" />`,
    text(20, 32, "A hook from start to end: milliseconds, and how many times Charmlet's", "title"),
    ...parts,
    text(20, height - 14, `Medians of ${runs} runs in turn. Each group of bars has its own scale.`, "note"),
  ];
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  // As `deno fmt` would have it.
  const inside = content.map((line) => `  ${line}`);
  return [`<svg xmlns="http://www.w3.org/2000/svg" ${size}>`, ...inside, "</svg>", ""].join("\n");
}

/** Groups below each other; the longest bar of each is as long as there is room. */
function panel(x: number, groups: readonly { readonly title: string; readonly bars: readonly Bar[] }[]): string[] {
  const lines = Math.max(...groups.map(({ bars }) => bars.length)) + 2;
  return groups.flatMap(({ title, bars }, at) => {
    const y = TOP + at * lines * LINE;
    const longest = Math.max(...bars.map(({ ms }) => ms));
    return [
      text(x, y + 14, title, "note"),
      ...bars.flatMap((bar, line) => drawBar(x, y + (line + 1) * LINE, bar, longest)),
    ];
  });
}

function drawBar(x: number, y: number, { label, ms, ratio, isOurs }: Bar, longest: number): string[] {
  const width = Math.max(1, (ms / longest) * BAR).toFixed(1);
  const digits = ratio < 1 ? 2 : ratio < 10 ? 1 : 0;
  const value = isOurs ? `${ms.toFixed(0)}` : `${ms.toFixed(0)} · ${ratio.toFixed(digits)} ×`;
  return [
    text(x, y + 14, label),
    `<rect x="${x + LABEL}" y="${y + 3}" width="${width}" height="14" class="${isOurs ? "ours" : "other"}" />`,
    text(x + LABEL + Number(width) + 6, y + 14, value),
  ];
}

function text(x: number, y: number, content: string, kind?: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}"${kind === undefined ? "" : ` class="${kind}"`}>${escaped}</text>`;
}
