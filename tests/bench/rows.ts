/**
 * Lines of the table: what was measured.
 *
 * @module
 */
import type { HookCost } from "./laboratory.ts";
import { type Spread, spread } from "./stats.ts";

/** One line of the table. Times are milliseconds, sizes bytes. */
export interface Row {
  /** The hook, or what else it is about. */
  readonly group: string;
  readonly program: string;
  readonly runs: number;
  readonly ms: Spread;
  readonly agentMs: number;
  readonly commands: number;
  readonly memory: number | undefined;
}

/** The program that the others of a group are compared with. */
export const OURS = "charmlet";

/** What is measured that is no hook. */
export const FLOOR = "floor";

/** How the program is called when its hook commands take {@linkcode SLOW_MS}. */
export function slowly(program: string): string {
  return `${program}, ${SLOW_MS} ms`;
}

/** How long a slow hook command takes as a process, in milliseconds. */
export const SLOW_MS = 20;

/**
 * Makes a line of what was measured.
 *
 * @throws {Error} runs of one case differ in their commands: they were not the same hook
 */
export function rowOf(
  { group, program }: { readonly group: string; readonly program: string },
  costs: readonly HookCost[],
  memory: number | undefined,
): Row {
  const counts = new Set(costs.map(({ commands }) => commands.length));
  const [commands, ...others] = counts;
  if (commands === undefined || others.length > 0) {
    throw new Error(`${group}, ${program} ran ${[...counts].join(" or ")} commands`);
  }
  const agentMs = spread(costs.map((cost) => cost.agentMs)).median;
  return { group, program, runs: costs.length, ms: spread(costs.map(({ ms }) => ms)), agentMs, commands, memory };
}

/** A line, where it was measured. */
export function findRow(rows: readonly Row[], group: string, program: string): Row | undefined {
  return rows.find((row) => row.group === group && row.program === program);
}

/**
 * Median of a line.
 *
 * @throws {RangeError} it was not measured
 */
export function medianOf(rows: readonly Row[], group: string, program: string): number {
  const row = findRow(rows, group, program);
  if (!row) throw new RangeError(`${group}, ${program} was not measured`);
  return row.ms.median;
}
