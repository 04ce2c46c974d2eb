import assertStrict from "node:assert/strict";
export function assertEquals<T>(actual: T, expected: T, msg?: string): void { assertStrict.deepStrictEqual(actual, expected, msg); }
export function assert(expr: unknown, msg = ""): asserts expr { assertStrict.ok(expr, msg); }
