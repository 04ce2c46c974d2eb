import { assertEquals, assertThrows } from "@std/assert";
import { ActionParams } from "../../hooks/action_params.ts";
import type { ActionSpec } from "../../hooks/charm/metadata.ts";
import { ValueError } from "../../hooks/errors.ts";

const spec: ActionSpec = {
  name: "backup",
  description: "",
  params: {
    target: { type: "string", minLength: 2, maxLength: 5, pattern: "^[a-z]+$" },
    level: { type: "integer", minimum: 1, maximum: 9, default: 3 },
    mode: { type: "string", enum: ["full", "partial"] },
    units: { type: "array", items: { type: "string" } },
    odd: { type: "string", pattern: "(?P<go>x)" },
  },
  required: ["target"],
  additionalProperties: false,
};

Deno.test("parameters that fit are given with their types, and defaults fill in", () => {
  const params = new ActionParams(spec, { target: "abc", units: ["a"], odd: "anything" });
  assertEquals([params.string("target"), params.number("level"), params.boolean("gone")], ["abc", 3, undefined]);
  assertEquals(params.get("units"), ["a"]);
});

const refused: [string, Record<string, unknown>, string][] = [
  ["a missing required one", {}, "parameter target is required"],
  ["a wrong type", { target: 5 }, "parameter target must be of type string"],
  ["a fraction for an integer", { target: "abc", level: 1.5 }, "parameter level must be of type integer"],
  ["a value below the minimum", { target: "abc", level: 0 }, "parameter level must be at least 1"],
  ["a value above the maximum", { target: "abc", level: 10 }, "parameter level must be at most 9"],
  ["a short text", { target: "a" }, "at least 2 characters"],
  ["a long text", { target: "abcdef" }, "at most 5 characters"],
  ["a text of another pattern", { target: "ABC" }, "must match ^[a-z]+$"],
  ["a value that is no choice", { target: "abc", mode: "x" }, "must be one of: full, partial"],
  ["an item of a wrong type", { target: "abc", units: ["a", 1] }, "parameter units[1] must be of type string"],
  ["an unknown one", { target: "abc", extra: 1 }, "parameter extra is not known"],
];
for (const [what, values, message] of refused) {
  Deno.test(`refuses ${what}`, () => {
    assertThrows(() => new ActionParams(spec, values), ValueError, message);
  });
}

Deno.test("a getter of another type refuses", () => {
  const params = new ActionParams({ ...spec, params: {}, additionalProperties: true }, { target: "abc" });
  assertThrows(() => params.number("target"), ValueError, "must be of type number");
});

Deno.test("names that every object knows are parameters like any others", () => {
  const odd = { ...spec, params: { level: { type: "toString" }, plain: {} }, required: ["constructor"] };
  assertThrows(() => new ActionParams(odd, {}), ValueError, "parameter constructor is required");
  const other = { ...odd, required: [] };
  assertThrows(
    () => new ActionParams(other, { hasOwnProperty: 1 }),
    ValueError,
    "parameter hasOwnProperty is not known",
  );
  assertThrows(() => new ActionParams(other, { level: 1 }), ValueError, "parameter level must be of type toString");
  const params = new ActionParams(other, JSON.parse('{"plain":{"__proto__":1}}'));
  assertEquals([params.get("constructor"), params.string("toString")], [undefined, undefined]);
});

Deno.test("choices of any kind are shown", () => {
  const choices = { ...spec, params: { mode: { enum: ["a", null, { toString: 1 }] } }, required: [] };
  assertThrows(() => new ActionParams(choices, { mode: "b" }), ValueError, 'must be one of: a, null, {"toString":1}');
});
