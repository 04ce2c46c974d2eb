/**
 * Many targets at once: bounded in number and in time, with a result for every one.
 *
 * @module
 */
import type { CheckResult, Outcome, Target } from "./result.ts";
import { type Address, type AddressRules, readAddress, wholeNumber } from "./validate.ts";

const DEFAULT_CONCURRENCY = 64;
const DEFAULT_TOTAL_MS = 120_000;

/** Bounds of a check of many targets. */
export interface EachOptions extends AddressRules {
  /** Targets that are checked at the same time; 64 unless given. */
  readonly concurrency?: number;
  /** No target is begun after this many milliseconds, the others are reported as not checked; two minutes unless given. */
  readonly totalMs?: number;
}

/**
 * Checks every target whose address can be used.
 *
 * @param check name of the check in the results
 * @param one checks one target; what it throws is the failure of the whole check
 * @returns one result for each target, in their order
 */
export async function checkEach<M>(
  check: string,
  targets: readonly Target[],
  options: EachOptions,
  one: (address: Address, target: Target) => Promise<Outcome<M>>,
): Promise<CheckResult<M>[]> {
  const concurrency = wholeNumber("concurrency", options.concurrency ?? DEFAULT_CONCURRENCY, 1, 1000);
  const totalMs = wholeNumber("totalMs", options.totalMs ?? DEFAULT_TOTAL_MS, 1, 86_400_000);
  const end = performance.now() + totalMs;
  return await mapLimited(targets, concurrency, async (target) => {
    const address = readAddress(target.address, options);
    const base = { check, target: target.name };
    if ("unusable" in address) {
      return { ...base, ok: false, reason: `unusable: ${address.unusable}`, measurements: null };
    }
    const outcome = performance.now() < end
      ? await one(address, target)
      : { reason: `not checked: ${totalMs} ms were over`, measurements: null };
    return { ...base, address: address.address, ok: outcome.reason === undefined, ...outcome };
  });
}

/**
 * Maps with at most `limit` calls under way. After a failure no further call begins, and it is thrown once those under
 * way have ended: nothing keeps running behind the caller's back.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) {
      try {
        results[index] = await map(item);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return results;
}
