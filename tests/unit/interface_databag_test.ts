import { assertEquals, assertThrows } from "@std/assert";
import { DefinitionError } from "../../hooks/errors.ts";
import {
  decodeJson,
  encodeJson,
  isHost,
  isIpAddress,
  isTruthy,
  isYes,
  json,
  quote,
  text,
  textList,
} from "../../interfaces/databag.ts";
import { etcdClient } from "../../interfaces/etcd/requires.ts";
import { magpiePeers } from "../../interfaces/magpie/peers.ts";
import { TestUnit } from "./interface_unit.ts";

Deno.test("text values: absent, empty and too long ones are not set", () => {
  const reasons: string[] = [];
  const read = (value: string) => text({ key: value }, "key", (reason) => reasons.push(reason), 4);
  assertEquals([read(""), read("abcd"), read("abcde"), text({}, "constructor")], [
    undefined,
    "abcd",
    undefined,
    undefined,
  ]);
  assertEquals(reasons, ["key has 5 characters, at most 4 are read; it counts as not set"]);
});

Deno.test("JSON values are what Python makes of them", () => {
  const cases: [string, unknown][] = [
    ['"a"', "a"],
    ["12345", 12345],
    ["00123", "00123"],
    ["raw text", "raw text"],
    [" NaN ", NaN],
    ["-Infinity", -Infinity],
    ["nan", "nan"],
    ["toString", "toString"],
    ["__proto__", "__proto__"],
    ['{"a": [true, null]}', { a: [true, null] }],
  ];
  for (const [input, value] of cases) assertEquals(decodeJson(input), value, input);
  assertEquals(json({}, "key"), null);
  assertEquals([NaN, "0", [0], { a: 1 }, -1].map(isTruthy), [true, true, true, true, true]);
});

Deno.test("JSON is written as Python writes it", () => {
  assertEquals(encodeJson("é\u2028\u007f\n"), '"\\u00e9\\u2028\\u007f\\n"');
  assertEquals(encodeJson(String.raw`\u007f`), String.raw`"\\u007f"`);
  assertEquals(encodeJson(["a", "b"]), '["a", "b"]');
  assertEquals(encodeJson([]), "[]");
  assertEquals(encodeJson(true), "true");
});

Deno.test("lists of texts are bounded, anything else is not set", () => {
  const reasons: string[] = [];
  const read = (value: string) => textList({ key: value }, "key", 2, (reason) => reasons.push(reason));
  assertEquals(read('["a", "b", "c"]'), ["a", "b"]);
  assertEquals([read("[1]"), read("x"), read("{}"), read("")], [undefined, undefined, undefined, undefined]);
  assertEquals(reasons.length, 4);
});

Deno.test("hosts and addresses", () => {
  for (const good of ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1", "a", "db-0.example.com", "0.example"]) {
    assertEquals(isHost(good), true, good);
  }
  for (const bad of ["", "-a", "a-", "a..b", "a b", "a;b", "a\n", "fd00::1%eth0", "x".repeat(64), "a/24", "$(id)"]) {
    assertEquals(isHost(bad), false, bad);
  }
  assertEquals([isIpAddress("10.0.0.1"), isIpAddress("10.0.0"), isIpAddress("a")], [true, false, false]);
  assertEquals([isYes({ k: "TRUE" }, "k"), isYes({ k: "yes" }, "k"), isYes({}, "k")], [true, false, false]);
  assertEquals(quote("a\nb".repeat(40)).length < 90, true);
});

Deno.test("the methods of an interface refuse an endpoint that is not theirs", async () => {
  const unit = new TestUnit("requires", "etcd", "etcd");
  await unit.hook("update-status", {}, (ctx) => {
    assertThrows(
      () => etcdClient(ctx, "db"),
      DefinitionError,
      "no endpoint with role requires and interface etcd called db",
    );
    assertThrows(() => magpiePeers(ctx), DefinitionError, "interface magpie or magpie2");
  });
});
