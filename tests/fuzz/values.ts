/**
 * Hostile values, and damage to good ones.
 *
 * @module
 */
import fc from "fast-check";
import { CANARY } from "./surface.ts";

const ODD_TEXTS: readonly string[] = [
  "",
  " ",
  "\0",
  "\n",
  "a\r\nERROR forged",
  "\u001b[2J\u001b[31m",
  "\u0085\u009b31m",
  "\u2028\u2029",
  "\u202e\u200b",
  "\ud800",
  "\ufffe\uffff",
  "😀",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "length",
  "then",
  "../../../etc/passwd",
  "/etc/passwd",
  "-rf",
  "--help",
  "a=b",
  "a b",
  "$(id)",
  "`id`",
  "'; DROP TABLE x; --",
  "%s%n",
  "${x}",
  "null",
  "true",
  "True",
  "false",
  "NaN",
  "-Infinity",
  "1e400",
  "-1",
  "0",
  "00",
  "0x10",
  "9007199254740993",
  "18446744073709551616",
  "1.5",
  "[]",
  "{}",
  '{"__proto__":{"x":1}}',
  "<html></html>",
  "app/0",
  "app/007",
  "app/99999999999999999999",
  "10.0.0.1",
  "::1",
  "fe80::1%eth0",
  "10.0.0.1:2379",
  "http://user:secret@10.0.0.1:2379/",
  "https://[::1]:2379",
  "secret:9m4e2mr0ui3e8a215n4g",
  "x".repeat(300),
  "y".repeat(70_000),
  ",".repeat(5_000),
  "[".repeat(20_000),
  "a".repeat(40) + "!",
  "a,".repeat(2_000),
];

const ODD_JSON: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  -(2 ** 63),
  "",
  [],
  {},
  [[]],
  [null],
  [{}],
  { "": "" },
  JSON.parse('{"__proto__":{"toString":1,"x":[]}}'),
  { constructor: { prototype: {} }, toString: null, valueOf: 1, length: -1 },
  { then: "x" },
  { toJSON: "x" },
  Array.from({ length: 300 }, () => 0),
];

/** Any place equally: small numbers, which are tried most otherwise, would all be the beginning. */
const PLACE = fc.noBias(fc.nat(1_000_000));

/** Any text: ordinary, odd, or any code units at all. */
export function texts(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...ODD_TEXTS) },
    { weight: 2, arbitrary: fc.string() },
    { weight: 2, arbitrary: fc.string({ unit: "binary" }) },
    { weight: 1, arbitrary: fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)) },
    { weight: 2, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.webUrl(), fc.uuid()) },
  );
}

/** Any JSON value. */
export function jsonValues(): fc.Arbitrary<unknown> {
  return fc.oneof(fc.constantFrom(...ODD_JSON), texts(), fc.jsonValue(), fc.double(), fc.integer());
}

/** A text in which a secret stands, whole or with something around it. */
export function secretTexts(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constant(CANARY),
    fc.tuple(texts(), texts()).map(([before, after]) => `${before}${CANARY}${after}`),
    fc.constantFrom(`"${CANARY}"`, `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`),
  );
}

/** A change of a text or of bytes: where, how much goes, and what comes in its place. */
interface Splice<T> {
  readonly at: number;
  readonly length: number;
  readonly piece: T;
}

function splices<T>(pieces: fc.Arbitrary<T>, most: number): fc.Arbitrary<Splice<T>[]> {
  const length = fc.oneof({ weight: 4, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(2_000) });
  return fc.array(fc.record({ at: PLACE, length, piece: pieces }), { maxLength: most });
}

/** Good texts with some places damaged. */
export function damagedTexts(
  good: fc.Arbitrary<string>,
  pieces: fc.Arbitrary<string> = texts(),
): fc.Arbitrary<string> {
  return fc.tuple(good, splices(pieces, 4)).map(([text, changes]) =>
    changes.reduce((result, { at, length, piece }) => {
      const start = at % (result.length + 1);
      return result.slice(0, start) + piece + result.slice(start + length);
    }, text)
  );
}

/** Good bytes with some places damaged. */
export function damagedBytes(good: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.constantFrom(
      Uint8Array.of(0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0xfc, 0x7f, 0xff, 0xff, 0xff),
      Uint8Array.of(0xff, 0xff),
    ),
  );
  return fc.tuple(good, splices(pieces, 4)).map(([bytes, changes]) =>
    changes.reduce((result, { at, length, piece }) => {
      const start = at % (result.length + 1);
      return Uint8Array.of(...result.subarray(0, start), ...piece, ...result.subarray(start + length));
    }, bytes)
  );
}

/** A change of one place of a JSON value. */
interface Change {
  readonly at: number;
  readonly how: "replace" | "remove" | "add";
  readonly key: string;
  readonly value: unknown;
}

type Container = Record<string, unknown> | unknown[];

/** Good JSON values with some places replaced, removed or added. */
export function damagedJson(
  good: fc.Arbitrary<unknown>,
  values: fc.Arbitrary<unknown> = jsonValues(),
): fc.Arbitrary<unknown> {
  const change = fc.record<Change>({
    at: PLACE,
    how: fc.constantFrom("replace", "replace", "remove", "add"),
    key: texts(),
    value: values,
  });
  return fc.tuple(good, fc.array(change, { maxLength: 5 })).map(([value, changes]) =>
    changes.reduce((result, each) => changed(result, each), value)
  );
}

function changed(value: unknown, { at, how, key, value: replacement }: Change): unknown {
  // A copy for each case, made in a way that keeps a key called __proto__ a key.
  const copy: Record<string, unknown> = { top: JSON.parse(JSON.stringify(value) ?? "null") };
  const places = placesOf(copy);
  const [container, name] = places[at % places.length] ?? [copy, "top"];
  if (how === "add") put(container, Array.isArray(container) ? String(container.length) : key, replacement);
  else if (how === "replace") put(container, name, replacement);
  else if (Array.isArray(container)) container.splice(Number(name), 1);
  else delete container[name];
  return copy.top ?? null;
}

function put(container: Container, name: string, value: unknown): void {
  Object.defineProperty(container, name, { value, enumerable: true, writable: true, configurable: true });
}

function placesOf(container: Container): [Container, string][] {
  return Object.entries(container).flatMap(([name, value]): [Container, string][] => [
    [container, name],
    ...typeof value === "object" && value !== null ? placesOf(value as Container) : [],
  ]);
}

/** Databags, empty or complete at first, in which keys, mostly known ones, have good or damaged values or anything. */
export function bags(
  good: Readonly<Record<string, readonly string[]>>,
  secretKeys: readonly string[] = [],
): fc.Arbitrary<Record<string, string>> {
  const pair = (key: string) => {
    const seeds = good[key] ?? [];
    const seed = seeds.length > 0 ? fc.constantFrom(...seeds) : texts();
    const value = fc.oneof(
      { weight: 4, arbitrary: seed },
      { weight: 3, arbitrary: damagedTexts(seed) },
      { weight: 2, arbitrary: texts() },
      ...(secretKeys.includes(key) ? [{ weight: 4, arbitrary: secretTexts() }] : []),
    );
    return fc.tuple(fc.constant(key), value);
  };
  const known = Object.keys(good).map(pair);
  const strange = fc.tuple(texts().map((key) => key || "x"), texts());
  const pairs = fc.array(fc.oneof({ weight: 8, arbitrary: fc.oneof(...known) }, { weight: 1, arbitrary: strange }), {
    maxLength: 10,
  });
  const complete = Object.fromEntries(Object.entries(good).flatMap(([key, [first]]) => first ? [[key, first]] : []));
  return fc.tuple(pairs, fc.boolean()).map(([each, isComplete]) => ({
    ...isComplete ? complete : {},
    ...Object.fromEntries(each),
  }));
}
