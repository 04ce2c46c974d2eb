/**
 * Compares what a hook did with what a trace expects. Source of the rules: data/traces/README.md.
 *
 * @module
 */
import type { CallResult, Json, TraceStep } from "./trace_format.ts";
import type { StepOutcome } from "./trace_step.ts";

/** One thing that differs. */
export interface Difference {
  /** Such as `flags` or `calls.get_nodes`. */
  readonly what: string;
  readonly expected: string;
  readonly got: string;
}

/** Oddities about nothing but the order of units, which the README therefore leaves open. */
const ORDER_ODDITIES = ["MAGPIE-9", "INNODB-8"];

/** What differs; nothing when the hook did as expected. */
export function compareStep(step: TraceStep, outcome: StepOutcome): Difference[] {
  const { expect } = step;
  const isOrdered = !(step.oddities ?? []).some((id) => ORDER_ODDITIES.includes(id));
  const found: Difference[] = [];
  const compare = (what: string, expected: unknown, got: unknown) => {
    const [left, right] = [canonical(expected, isOrdered), canonical(got, isOrdered)];
    if (left !== right) found.push({ what, expected: left, got: right });
  };
  const exit = outcome.error === undefined ? outcome.exit : `${outcome.exit} (${outcome.error})`;
  if (expect.exit !== outcome.exit) found.push({ what: "exit", expected: String(expect.exit), got: String(exit) });
  compare("flags", [...expect.flags].sort(), outcome.flags);
  compare("databag", expect.databag, outcome.databag);
  (expect.calls ?? []).forEach((expected, index) => {
    const method = step.calls?.[index]?.method ?? "";
    compare(`calls.${method}`, callOf(expected, expected), callOf(outcome.calls[index] ?? {}, expected));
  });
  if (expect.getters && outcome.getters) compareGetters(expect.getters, outcome.getters, compare);
  return found;
}

/** Of an error only that there is one counts. Files count where the trace lists some. */
function callOf({ result, error, no_endpoint, files_after }: CallResult, expected: CallResult): Json {
  if (no_endpoint) return { no_endpoint };
  if (error !== undefined) return { error: true };
  return { result: result ?? null, ...(expected.files_after ? { files_after: files_after ?? {} } : {}) };
}

type Compare = (what: string, expected: unknown, got: unknown) => void;

function compareGetters(expected: Json, got: Json, compare: Compare): void {
  for (const [lookup, value] of Object.entries(expected)) {
    if (!(lookup in got)) continue;
    if (!lookup.startsWith("flag ")) {
      compare(`getters.${lookup}`, value, got[lookup]);
      continue;
    }
    const [left, right] = [value as Json, got[lookup] as Json];
    if (left.no_endpoint || right.no_endpoint) {
      compare("getters.lookup", left.no_endpoint ?? false, right.no_endpoint ?? false);
      continue;
    }
    for (const [key, each] of Object.entries(left)) {
      if (key in right) compare(`getters.${key.split(":")[0]}`, errorOnly(each), errorOnly(right[key]));
    }
  }
}

/** Of a getter that raised, only that it did counts. */
function errorOnly(value: unknown): unknown {
  return typeof value === "object" && value !== null && "error" in value ? { error: true } : value;
}

/** Text that is the same for equal values: keys in order, numbers as the traces write them, unordered lists sorted. */
function canonical(value: unknown, isOrdered: boolean): string {
  return JSON.stringify(normal(value, isOrdered));
}

function normal(value: unknown, isOrdered: boolean): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return { $nonfinite: Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf" };
  }
  if (Array.isArray(value)) {
    const items = value.map((each) => normal(each, isOrdered));
    if (isOrdered || isUnitWithAddress(items)) return items;
    return items.map((each) => [JSON.stringify(each), each] as const).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
      .map(([, each]) => each);
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
    return Object.fromEntries(entries.map(([key, each]) => [key, normal(each, isOrdered)]));
  }
  return value;
}

/** `["magpie/1", "10.0.0.1"]` is a pair, not a list of units. */
function isUnitWithAddress([unit, address, ...rest]: readonly unknown[]): boolean {
  const isUnit = (value: unknown) => typeof value === "string" && /^[a-z][a-z0-9-]*\/\d+$/.test(value);
  return isUnit(unit) && !isUnit(address) && address !== undefined && rest.length === 0;
}
