/**
 * How the cost of a model grows with its size.
 *
 * @module
 */
import type { Figures } from "./settled.ts";

/** What must not grow faster than units × relations. Times are not among it: they tell more of the machine. */
const COUNTS = {
  hooks: ({ hooks }: Figures) => hooks,
  "hook commands": ({ commands }: Figures) => commands,
  bytes: ({ bytes }: Figures) => bytes,
  "the model's data": ({ modelBytes }: Figures) => modelBytes,
} as const;

/** How much the numbers may go up and down: who has published before whom depends on which hooks run at the same time. */
const COUNT_TOLERANCE = 1.25;
/** How much a hook's peak memory may differ between sizes: it depends on when garbage is collected. */
const MEMORY_TOLERANCE = 1.3;

/**
 * Compares models of several sizes with the smallest one.
 *
 * @param figures from the smallest model to the greatest
 * @returns one line for everything that grows too fast
 */
export function growthFaults(figures: readonly Figures[]): string[] {
  const [least, ...greater] = figures;
  if (!least) throw new RangeError("nothing was measured");
  return greater.flatMap((one) => {
    const about = `${one.size.units} units`;
    const counts = Object.entries(COUNTS)
      .filter(([, of]) => of(one) / productOf(one) > COUNT_TOLERANCE * of(least) / productOf(least))
      .map(([what]) => `${about}: ${what} grow faster than units × relations`);
    const hooks = Object.entries(one.mostCommands)
      .filter(([hook, most]) => most > (least.mostCommands[hook] ?? 0))
      .map(([hook, most]) =>
        `${about}: ${hook} runs ${most} hook commands instead of ${least.mostCommands[hook] ?? 0}`
      );
    const memory = one.hookMemory.median > MEMORY_TOLERANCE * least.hookMemory.median
      ? [`${about}: a hook takes ${one.hookMemory.median} bytes of memory instead of ${least.hookMemory.median}`]
      : [];
    return [...counts, ...hooks, ...memory];
  });
}

function productOf({ size }: Figures): number {
  return size.units * size.relations;
}
