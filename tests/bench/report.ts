/**
 * The tables that are printed.
 *
 * @module
 */
import { findRow, FLOOR, OURS, type Row } from "./rows.ts";
import { isMet, type Target } from "./targets.ts";

const HEAD = ["", "", "median ms", "quartiles", "× charmlet", "× hello", "commands", "agent ms", "peak MiB", "runs"];

/** The lines of the table of times, each compared with ours in the same group and with the floor. */
export function formatRows(rows: readonly Row[]): string[] {
  const floor = findRow(rows, FLOOR, "hello world")?.ms.median;
  const ratio = (value: number, to: number | undefined) => to === undefined ? "" : (value / to).toFixed(2);
  const cells = rows.map(({ group, program, runs, ms, agentMs, commands, memory }, at) => [
    group === rows[at - 1]?.group ? "" : group,
    program,
    ms.median.toFixed(1),
    `${ms.low.toFixed(1)}–${ms.high.toFixed(1)}`,
    ratio(ms.median, findRow(rows, group, OURS)?.ms.median),
    ratio(ms.median, floor),
    String(commands),
    agentMs.toFixed(1),
    memory === undefined ? "" : (memory / 1024 / 1024).toFixed(1),
    String(runs),
  ]);
  return align([HEAD, ...cells], 2);
}

/** The lines of the table of targets. */
export function formatTargets(targets: readonly Target[]): string[] {
  return align(
    targets.map((target) => [
      target.what,
      `${target.value.toFixed(2)} ${target.unit}`,
      `${target.bound} ${target.limit}`,
      isMet(target) ? "ok" : "MISSED",
    ]),
    1,
  );
}

/**
 * Lines of equal columns.
 *
 * @param left how many columns stand to the left; the others stand to the right
 */
export function align(rows: readonly (readonly string[])[], left: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column < left ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ").trimEnd()
  );
}
