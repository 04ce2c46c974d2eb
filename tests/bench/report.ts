/**
 * The tables that are printed.
 *
 * @module
 */
import { isMet, type Row, type Target } from "./cases.ts";

const HEAD = ["", "median ms", "quartiles", "× hello", "commands", "agent ms", "peak MiB", "runs"];

/** The lines of the table of times; the first row is what the others are compared with. */
export function formatRows(rows: readonly Row[]): string[] {
  const floor = rows[0]?.ms.median ?? NaN;
  const cells = rows.map(({ id, runs, ms, agentMs, commands, memory }) => [
    id,
    ms.median.toFixed(1),
    `${ms.low.toFixed(1)}–${ms.high.toFixed(1)}`,
    (ms.median / floor).toFixed(2),
    String(commands),
    agentMs.toFixed(1),
    memory === undefined ? "" : (memory / 1024 / 1024).toFixed(1),
    String(runs),
  ]);
  return align([HEAD, ...cells]);
}

/** The lines of the table of targets. */
export function formatTargets(targets: readonly Target[]): string[] {
  return align(targets.map((target) => [
    target.what,
    `${target.value.toFixed(2)} ${target.unit}`,
    `${target.bound} ${target.limit}`,
    isMet(target) ? "ok" : "MISSED",
  ]));
}

/** The first column to the left, the others to the right. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ").trimEnd()
  );
}
