/**
 * Sets of transaction ids (GTIDs): which transactions a server has. Sets have gaps, so only their contents can be
 * compared, never their sizes.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** First and last number, both included. */
type Interval = readonly [bigint, bigint];

const MAX_TEXT = 256 * 1024;
const SOURCE = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^(\d{1,19})(?:-(\d{1,19}))?$/;
const MAX_NUMBER = 2n ** 63n - 2n;

/** A set of transaction ids; does not change. */
export class GtidSet {
  static readonly EMPTY: GtidSet = new GtidSet(new Map());

  /** By source, or source and tag (`uuid:tag`): intervals in order, none touching the next. */
  readonly #intervals: ReadonlyMap<string, readonly Interval[]>;

  private constructor(intervals: ReadonlyMap<string, readonly Interval[]>) {
    this.#intervals = intervals;
  }

  /**
   * Parses what servers say, such as `uuid:1-5:7,\nuuid:tag:1`.
   *
   * @throws {InputError} when it is no set
   */
  static parse(text: string): GtidSet {
    if (text.length > MAX_TEXT) throw new InputError("the set of transaction ids is too long");
    const found = new Map<string, Interval[]>();
    for (const part of text.split(",").map((piece) => piece.trim().toLowerCase()).filter((piece) => piece !== "")) {
      const [source = "", ...rest] = part.split(":").map((piece) => piece.trim());
      if (!SOURCE.test(source) || rest.length === 0) throw noSet();
      let key = source;
      for (const piece of rest) {
        const [, first, last = first] = INTERVAL.exec(piece) ?? [];
        if (first === undefined || last === undefined) {
          if (!TAG.test(piece)) throw noSet();
          key = `${source}:${piece}`;
          continue;
        }
        const interval: Interval = [BigInt(first), BigInt(last)];
        if (interval[0] < 1n || interval[1] < interval[0] || interval[1] > MAX_NUMBER) throw noSet();
        const intervals = found.get(key) ?? [];
        intervals.push(interval);
        found.set(key, intervals);
      }
    }
    return new GtidSet(new Map([...found].map(([key, intervals]) => [key, join(intervals)])));
  }

  get isEmpty(): boolean {
    return this.#intervals.size === 0;
  }

  /** Everything that is in this set or the other. */
  union(other: GtidSet): GtidSet {
    const all = new Map(this.#intervals);
    for (const [key, intervals] of other.#intervals) all.set(key, join([...all.get(key) ?? [], ...intervals]));
    return new GtidSet(all);
  }

  /** What is in this set but not in the other. */
  subtract(other: GtidSet): GtidSet {
    const left = [...this.#intervals].map(([key, intervals]): [string, readonly Interval[]] => [
      key,
      (other.#intervals.get(key) ?? []).reduce((rest, taken) => rest.flatMap((each) => cut(each, taken)), intervals),
    ]);
    return new GtidSet(new Map(left.filter(([, intervals]) => intervals.length > 0)));
  }

  /** Whether everything in the other set is in this one. */
  contains(other: GtidSet): boolean {
    return other.subtract(this).isEmpty;
  }

  equals(other: GtidSet): boolean {
    return this.contains(other) && other.contains(this);
  }

  /** As MySQL writes it, in one line. */
  toString(): string {
    const numbers = (intervals: readonly Interval[]) =>
      intervals.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(":");
    return [...this.#intervals].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([key, intervals]) => `${key}:${numbers(intervals)}`).join(",");
  }
}

function noSet(): InputError {
  return new InputError("this is no set of transaction ids, such as 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5");
}

/** In order; what overlaps or touches becomes one. */
function join(intervals: readonly Interval[]): Interval[] {
  const joined: Interval[] = [];
  for (const [first, last] of [...intervals].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)) {
    const before = joined.at(-1);
    if (before && first <= before[1] + 1n) joined[joined.length - 1] = [before[0], last > before[1] ? last : before[1]];
    else joined.push([first, last]);
  }
  return joined;
}

/** What remains of an interval without another. */
function cut([first, last]: Interval, [from, to]: Interval): Interval[] {
  if (to < first || from > last) return [[first, last]];
  const rest: Interval[] = [];
  if (first < from) rest.push([first, from - 1n]);
  if (last > to) rest.push([to + 1n, last]);
  return rest;
}
