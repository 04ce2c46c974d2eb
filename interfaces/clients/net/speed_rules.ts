/**
 * How long with how many streams, and how fast is fast enough.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { show, wholeNumber } from "./validate.ts";

/** iperf3's own limit. */
const MAX_STREAMS = 128;
const MAX_STEPS = 64;

/** A minimum: Mbit/s (10^6 bits), or percent of the link's speed. */
export type MinSpeed = { readonly mbit: number } | { readonly percent: number };

/**
 * Reads a minimum speed as operators write it: `1000` for Mbit/s, `80%` of the link's speed, `0` or `0%` for none.
 *
 * @returns undefined for none
 * @throws {InputError}
 */
export function parseMinSpeed(text: string): MinSpeed | undefined {
  const match = /^(\d{1,9})(%?)$/.exec(text.trim());
  if (match === null) {
    throw new InputError(`the minimum speed ${show(text)} is neither Mbit/s such as 1000 nor such as 80%`);
  }
  const value = Number(match[1]);
  if (value === 0) return undefined;
  if (match[2] === "") return { mbit: value };
  return { percent: wholeNumber("the minimum speed in percent", value, 1, 100) };
}

/**
 * Reads numbers of streams as operators write them: `2 4 8`.
 *
 * @throws {InputError}
 */
export function parseProgression(text: string): number[] {
  const steps = text.trim().split(/[\s,]+/);
  if (!steps.every((step) => /^\d{1,4}$/.test(step))) {
    throw new InputError(`the concurrency progression ${show(text)} is no list of numbers such as 2 4 8`);
  }
  return checkProgression(steps.map(Number));
}

function checkProgression(steps: readonly number[]): number[] {
  wholeNumber("the length of the concurrency progression", steps.length, 1, MAX_STEPS);
  return steps.map((step) => wholeNumber("a number of streams", step, 1, MAX_STREAMS));
}

/**
 * The Mbit/s that a minimum stands for.
 *
 * @param linkMbit speed of the link; null when it has none, as virtual ones do
 * @throws {InputError} when a minimum in percent meets a link without a speed
 */
export function minimumMbit(minimum: MinSpeed | undefined, linkMbit: number | null): number | null {
  if (minimum === undefined) return null;
  if ("mbit" in minimum) return minimum.mbit;
  if (linkMbit !== null && linkMbit > 0) return minimum.percent * linkMbit / 100;
  throw new InputError(`${minimum.percent}% of an unknown link speed is no minimum: give it in Mbit/s`);
}

/**
 * The number of streams of each batch: as many batches as fit into the time, at least one, an equal share for each
 * entry of the progression.
 *
 * @throws {InputError} for a progression out of bounds
 */
export function planBatches(progression: readonly number[], batchSeconds: number, totalSeconds: number): number[] {
  const steps = checkProgression(progression);
  const count = Math.max(1, Math.floor(totalSeconds / batchSeconds));
  return Array.from({ length: count }, (_, index) => steps[Math.floor(index * steps.length / count)] ?? 1);
}
