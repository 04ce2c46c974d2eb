/**
 * Where our interfaces deliberately do better than the original: which differences a deviation explains, and in which
 * steps. Whatever no deviation explains is a failure.
 *
 * @module
 */
import type { Difference } from "./trace_compare.ts";
import { CONDITIONS, type Place } from "./trace_conditions.ts";
import { EVENT_CONDITIONS } from "./trace_events_deviations.ts";

/** One entry of deviations.json. */
export interface Deviation {
  /** Why the original's behaviour is not kept. */
  readonly reason: string;
  /** What ours does. */
  readonly instead: string;
  /**
   * What may differ: `flags`, `databag`, `calls`, `getters`, or one method as in `calls.get_nodes`; in event cases the
   * names of {@link ./trace_events_compare.ts}.
   */
  readonly differs: readonly string[];
  /** Steps that it is about besides those that the traces tag: the name of a condition on the step's input. */
  readonly also?: string;
}

/** Deviations by their ids: those of the traces' oddities, and our own. */
export type Deviations = Readonly<Record<string, Deviation>>;

/** What came of a step. */
export type Verdict = "passed" | "deviating" | "failed";

/** What came of a step, and why. */
export interface Judgement {
  readonly verdict: Verdict;
  /** Differences that no deviation is about. */
  readonly unexplained: readonly Difference[];
  /** Deviations that explain a difference. */
  readonly because: readonly string[];
}

/**
 * Reads deviations.json.
 *
 * @throws {TypeError} an entry is not complete, or names a condition that there is not
 */
export async function readDeviations(path: string): Promise<Deviations> {
  const deviations = JSON.parse(await Deno.readTextFile(path)) as Deviations;
  for (const [id, { reason, instead, differs, also }] of Object.entries(deviations)) {
    const isText = typeof reason === "string" && typeof instead === "string" && reason !== "" && instead !== "";
    if (!isText || !Array.isArray(differs) || differs.length === 0) {
      throw new TypeError(`${id} in ${path} needs reason, instead and differs`);
    }
    const isCondition = (name: string) => Object.hasOwn(CONDITIONS, name) || Object.hasOwn(EVENT_CONDITIONS, name);
    if (also !== undefined && !isCondition(also)) throw new TypeError(`${id} in ${path}: no ${also}`);
  }
  return deviations;
}

/** Whether a deviation is about a difference of that name. */
export function explains({ differs }: Deviation, what: string): boolean {
  return differs.some((each) => each === what || what.startsWith(`${each}.`));
}

/** Judges the differences of a step. A step that a deviation is about is never counted as passed. */
export function judge(
  deviations: Deviations,
  place: Place,
  differences: readonly Difference[],
): Judgement {
  const about = Object.entries(deviations).filter(([id, deviation]) => isAbout(id, deviation, place));
  const unexplained = differences.filter(({ what }) => !about.some(([, deviation]) => explains(deviation, what)));
  const because = about.filter(([, deviation]) => differences.some(({ what }) => explains(deviation, what)))
    .map(([id]) => id);
  if (unexplained.length > 0) return { verdict: "failed", unexplained, because };
  const isTagged = (place.step.oddities ?? []).some((id) => Object.hasOwn(deviations, id));
  return { verdict: isTagged || differences.length > 0 ? "deviating" : "passed", unexplained, because };
}

function isAbout(id: string, { also }: Deviation, place: Place): boolean {
  if (place.step.oddities?.includes(id)) return true;
  if (place.diverged.has(id)) return true;
  return also !== undefined && (CONDITIONS[also]?.(place) ?? false);
}
