/**
 * What the project expects of `@std/assert`, `@std/cli` and `@std/yaml`, whichever import map provides them.
 *
 * @module
 */
import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";
import { parseArgs } from "@std/cli";
import { parse, stringify } from "@std/yaml";

/** Whether the assertion lets the values through. */
function holds(assertion: () => void): boolean {
  try {
    assertion();
    return true;
  } catch (error) {
    if (error instanceof AssertionError) return false;
    throw error;
  }
}

Deno.test("yaml: a syntax error names line and column", () => {
  const error = assertThrows(() => parse("name: a\nprovides:\n  web: {interface: http\n"), SyntaxError);
  assertMatch(error.message, /at line 4, column 1/);
  const duplicate = assertThrows(() => parse("a: 1\nb: 2\na: 3\n"), SyntaxError);
  assertMatch(duplicate.message, /uplicate.* at line 3, column \d/);
  assertThrows(() => parse("a: b: c\n"), SyntaxError, "at line 1, column 5");
  assertThrows(() => parse("a: !unknown x\n"), SyntaxError, "at line 1, column");
  assertThrows(() => parse("a: 1\n---\nb: 2\n"), SyntaxError);
});

Deno.test("yaml: duplicate keys are allowed on demand, an empty text is null", () => {
  assertEquals(parse("a: 1\na: 2\n", { allowDuplicateKeys: true }), { a: 2 });
  assertEquals(parse(""), null);
  assertEquals(parse("# nothing\n"), null);
});

Deno.test("yaml: scalars follow the core schema, dates the default one", () => {
  const text = "[1, 0x1f, 016, 1_000, 0o7, 1.5, -2e3, true, yes, null, ~, '1', 2024-01-02, 1:30, 1:30.5]";
  assertEquals(parse(text, { schema: "core" }), [
    1,
    31,
    14,
    1000,
    "0o7",
    1.5,
    -2000,
    true,
    "yes",
    null,
    null,
    "1",
    "2024-01-02",
    "1:30",
    "1:30.5",
  ]);
  assertEquals(parse("2024-01-02"), new Date("2024-01-02T00:00:00Z"));
  assertEquals(parse("base: &b {x: 1}\nmore: {<<: *b, y: 2}"), { base: { x: 1 }, more: { x: 1, y: 2 } });
  const value = parse("__proto__: {polluted: true}") as Record<string, unknown>;
  assertEquals(Object.keys(value), ["__proto__"]);
  assertEquals("polluted" in {}, false);
});

Deno.test("yaml: what is written is read back", () => {
  const value = {
    name: "demo",
    empty: {},
    none: [],
    list: [{ a: 1 }, ["x"]],
    text: "two\nlines\n",
    likeNumber: "12",
    likeBoolean: "true",
    colon: "a: b",
    missing: null,
  };
  assertEquals(parse(stringify(value)), value);
  assertEquals(stringify({ b: { c: [1, "two"] }, a: "x" }), "b:\n  c:\n    - 1\n    - two\na: x\n");
  assertEquals(stringify({ b: 1, a: 2 }, { sortKeys: true }), "a: 2\nb: 1\n");
  const shared = { x: 1 };
  assertNotMatch(stringify([shared, shared], { useAnchors: false }), /&/);
  assertMatch(stringify([shared, shared]), /&/);
  const long = "word ".repeat(40).trim();
  assertEquals(stringify({ long }, { lineWidth: -1 }), `long: ${long}\n`);
  assertThrows(() => stringify({ run: () => 1 }), TypeError);
});

Deno.test("parseArgs: flags, text, numbers, positionals", () => {
  const args = parseArgs(["--force", "--name", "x", "-o", "file", "link", "7", "--left=1=2"], {
    boolean: ["force", "quiet"],
    string: ["name", "output", "left", "absent"],
    alias: { output: "o" },
  });
  const force: boolean = args.force;
  const name: string | undefined = args.name;
  assertEquals([force, args.quiet, name, args.output, args.o], [true, false, "x", "file", "file"]);
  assertEquals(args.left, "1=2");
  assertEquals(args.absent, undefined);
  assertEquals(args._, ["link", 7]);
});

Deno.test("parseArgs: text options without a value, negative looking values, letter groups", () => {
  const options = { boolean: ["a", "b"], string: ["text"] } as const;
  assertEquals(parseArgs(["--text"], options).text, "");
  assertEquals(parseArgs(["--text", "--a"], options), { a: true, b: false, text: "", _: [] });
  assertEquals(parseArgs(["-ab"], options), { a: true, b: true, _: [] });
  assertEquals(parseArgs(["--a=false", "--text=-5"], options), { a: false, b: false, text: "-5", _: [] });
});

Deno.test("parseArgs: the last value counts, collected ones all do", () => {
  const args = parseArgs(["--one", "a", "--one", "b", "--many", "a", "-m", "b"], {
    string: ["one", "many", "none"],
    collect: ["many", "none"],
    alias: { many: "m" },
  });
  const many: string[] = args.many;
  assertEquals([args.one, many, args.m, args.none], ["b", ["a", "b"], ["a", "b"], []]);
});

Deno.test("parseArgs: defaults", () => {
  const options = { string: ["target"], boolean: ["check"], default: { target: "x64", check: true } } as const;
  const args = parseArgs([], options);
  const target: string = args.target;
  assertEquals([target, args.check], ["x64", true]);
  assertEquals(parseArgs(["--target", "arm64"], options).target, "arm64");
});

Deno.test("parseArgs: double dash and the end of options", () => {
  const kept = parseArgs(["a", "--", "--b", "1"], { "--": true });
  const rest: string[] = kept["--"];
  assertEquals([kept._, rest], [["a"], ["--b", "1"]]);
  assertEquals(parseArgs(["--", "x"], { "--": true }), { _: [], "--": ["x"] });
  assertEquals(parseArgs(["--v", "run", "--no-x", "-y"], { boolean: ["v"], stopEarly: true }), {
    v: true,
    _: ["run", "--no-x", "-y"],
  });
});

Deno.test("parseArgs: unknown arguments are reported and left out", () => {
  const seen: string[] = [];
  const unknown = (arg: string) => {
    seen.push(arg);
    return !arg.startsWith("-");
  };
  const args = parseArgs(["--check", "word", "--bad", "--no-check", "value", "--worse=1"], {
    boolean: ["check"],
    unknown,
  });
  assertEquals(seen, ["word", "--bad", "--no-check", "--worse=1"]);
  assertEquals(Object.keys(args).sort(), ["_", "check"]);
  assertEquals(args.check, true);
});

Deno.test("parseArgs: an option may be called no-something", () => {
  assertEquals(parseArgs(["--no-color", "x"], { boolean: ["no-color"] }), { "no-color": true, _: ["x"] });
});

Deno.test("assert: deep equality", () => {
  assert(holds(() => assertEquals({ a: [1, { b: new Map([["x", 1]]) }] }, { a: [1, { b: new Map([["x", 1]]) }] })));
  assert(holds(() => assertEquals<unknown>({ a: -0 }, Object.assign(Object.create(null), { a: 0 }))));
  assert(!holds(() => assertEquals<unknown>({ a: undefined }, {})));
  assert(!holds(() => assertEquals<unknown>([1, 2], [2, 1])));
  assert(!holds(() => assertEquals<unknown>("1", 1)));
  assert(!holds(() => assertEquals(new Uint8Array([1]), new Uint8Array([2]))));
  assert(!holds(() => assertNotEquals({ a: 1 }, { a: 1 })));
  assert(holds(() => assertNotEquals({ a: 1 }, { a: 2 })));
});

Deno.test("assert: what narrows", () => {
  const value: unknown = "text";
  assertStrictEquals(value, "text");
  const narrowed: "text" | string = value;
  assertEquals(narrowed.length, 4);
  const maybe = new Map([["k", 1]]).get("k");
  assertExists(maybe);
  assertEquals(maybe.toFixed(0), "1");
  const error: unknown = new RangeError("x");
  assertInstanceOf(error, RangeError);
  assertEquals(error.message, "x");
  assert(!holds(() => assertStrictEquals<unknown>({}, {})));
  assert(!holds(() => assertExists(null)));
  assert(!holds(() => assertInstanceOf(new Error(), RangeError)));
});

Deno.test("assert: texts, arrays, objects, order", () => {
  assert(!holds(() => assertMatch("abc", /d/)));
  assert(!holds(() => assertNotMatch("abc", /b/)));
  assert(!holds(() => assertStringIncludes("abc", "d")));
  assert(holds(() => assertArrayIncludes([{ a: 1 }, { b: 2 }], [{ b: 2 }] as unknown[])));
  assert(!holds(() => assertArrayIncludes([1, 2], [3])));
  assert(holds(() => assertObjectMatch({ a: 1, b: { c: [{ d: 1, e: 2 }], f: 3 } }, { b: { c: [{ d: 1 }] } })));
  assert(!holds(() => assertObjectMatch({ a: 1, b: { c: 2 } }, { b: { c: 3 } })));
  assert(!holds(() => assertObjectMatch({ a: 1 }, { z: 1 })));
  assert(holds(() => assertGreaterOrEqual(2, 2)) && !holds(() => assertGreaterOrEqual(1, 2)));
  assert(holds(() => assertLessOrEqual(2, 2)) && !holds(() => assertLessOrEqual(3, 2)));
  assertThrows(() => fail("on purpose"), AssertionError, "on purpose");
});

Deno.test("assert: throws and rejects check class and text", async () => {
  const thrower = () => {
    throw new RangeError("too far");
  };
  const error: RangeError = assertThrows(thrower, RangeError, "far");
  assertEquals(error.message, "too far");
  assert(!holds(() => assertThrows(thrower, TypeError)));
  assert(!holds(() => assertThrows(thrower, RangeError, "near")));
  assert(!holds(() => assertThrows(() => 1)));
  const rejected: RangeError = await assertRejects(() => Promise.reject(new RangeError("late")), RangeError, "late");
  assertEquals(rejected.message, "late");
  await assertRejects(() => assertRejects(() => Promise.resolve(1)), AssertionError, "reject");
  await assertRejects(() => assertRejects(() => Promise.reject(new Error("a")), TypeError), AssertionError);
  await assertRejects(() => assertRejects(() => thrower()), AssertionError, "Function throws");
});
