import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../interfaces/clients/errors.ts";
import { GtidSet } from "../../interfaces/clients/mysql/gtid.ts";

const P = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const Q = "4e11fa47-71ca-11e1-9e33-c80aa9429562";
const set = (text: string) => GtidSet.parse(text.replaceAll("P", P).replaceAll("Q", Q));
const text = (gtids: GtidSet) => `${gtids}`.replaceAll(P, "P").replaceAll(Q, "Q");

Deno.test("mysql gtid: sets as servers write them", () => {
  for (
    const [given, expected] of [
      ["", ""],
      ["P:1", "P:1"],
      ["P:1-5:1000009", "P:1-5:1000009"],
      ["P:1-5,\nQ:7", "P:1-5,Q:7"],
      ["Q:7, P:3-4:1-2", "P:1-4,Q:7"],
      ["P:1-3:2-9:20", "P:1-9:20"],
      ["P:5:1:3", "P:1:3:5"],
      ["P:1,P:2", "P:1-2"],
      ["P:1:backup:1-3:blue:7", "P:1,P:backup:1-3,P:blue:7"],
      [`${P.toUpperCase()}:1`, "P:1"],
      ["P:9223372036854775806", "P:9223372036854775806"],
    ] as const
  ) assertEquals(text(set(given)), expected, given);
});

Deno.test("mysql gtid: what is no set is refused", () => {
  for (
    const given of [
      "P",
      "P:",
      "P:0",
      "P:5-3",
      "P:1-",
      "P:-1",
      "P:9223372036854775807",
      "P:1'; DROP TABLE x",
      "x:1",
      "P:1-2-3",
      "P:TAG-1:1",
      "P:1;Q:1",
      `P:${"9".repeat(40)}`,
      "P:1,".repeat(100_000),
    ]
  ) assertThrows(() => set(given), InputError);
});

Deno.test("mysql gtid: union, difference and containment", () => {
  for (
    const [left, right, union, difference] of [
      ["P:1-5", "P:3-9", "P:1-9", "P:1-2"],
      ["P:1-10", "P:4-6", "P:1-10", "P:1-3:7-10"],
      ["P:1-10", "P:4-6:8,Q:1", "P:1-10,Q:1", "P:1-3:7:9-10"],
      ["P:1-3", "Q:1-3", "P:1-3,Q:1-3", "P:1-3"],
      ["P:1-3", "", "P:1-3", "P:1-3"],
      ["", "P:1-3", "P:1-3", ""],
      ["P:1-3", "P:4-6", "P:1-6", "P:1-3"],
      ["P:1", "P:tag:1", "P:1,P:tag:1", "P:1"],
    ] as const
  ) {
    assertEquals(text(set(left).union(set(right))), union, `${left} | ${right}`);
    assertEquals(text(set(left).subtract(set(right))), difference, `${left} - ${right}`);
    assertEquals(set(right).contains(set(left)), difference === "");
    assert(set(union).contains(set(left)) && set(union).contains(set(right)));
  }
  assert(set("P:1-3").equals(set("P:1:2:3")));
  assert(!set("P:1-3").equals(set("P:1-4")));
  assert(GtidSet.EMPTY.isEmpty && GtidSet.EMPTY.contains(set("")) && !GtidSet.EMPTY.contains(set("P:1")));
});

Deno.test("mysql gtid: random sets behave like sets of numbers", () => {
  let seed = 12345;
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  for (let round = 0; round < 300; round++) {
    const numbers = [0, 1].map(() => new Set(Array.from({ length: random(12) }, () => 1 + random(15))));
    const [left = new Set(), right = new Set()] = numbers;
    const write = (values: Set<number>) => values.size === 0 ? "" : `P:${[...values].join(":")}`;
    const union = set(write(left)).union(set(write(right)));
    const difference = set(write(left)).subtract(set(write(right)));
    assert(union.equals(set(write(left.union(right)))));
    assert(difference.equals(set(write(left.difference(right)))));
    assertEquals(set(write(left)).contains(set(write(right))), right.isSubsetOf(left));
  }
});
