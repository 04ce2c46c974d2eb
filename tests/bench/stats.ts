/**
 * Order statistics.
 *
 * @module
 */

/** The middle of a sample and its quartiles. */
export interface Spread {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/**
 * A quantile of a sample, interpolated between its neighbors.
 *
 * @param part from 0, the least, to 1, the greatest
 * @throws {RangeError} the sample is empty
 */
export function quantile(sample: readonly number[], part: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  const place = part * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (below === undefined || above === undefined) throw new RangeError("an empty sample has no quantiles");
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * The median and the quartiles of a sample.
 *
 * @throws {RangeError} the sample is empty
 */
export function spread(sample: readonly number[]): Spread {
  return { low: quantile(sample, 0.25), median: quantile(sample, 0.5), high: quantile(sample, 0.75) };
}
