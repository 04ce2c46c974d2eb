import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { isMet, normalized, type Row, rowOf, targetsOf } from "../bench/cases.ts";
import { formatRows, formatTargets } from "../bench/report.ts";
import { quantile, roundsOf, spread } from "../bench/stats.ts";

const MIB = 1024 * 1024;

function row(id: string, ms: number, commands = 0, memory?: number): Row {
  return { id, runs: 15, ms: { low: ms, median: ms, high: ms }, agentMs: 0, commands, memory };
}

/** A run in which each target is just met. */
const ROWS: readonly Row[] = [
  row("hello world", 20),
  row("update-status", 23, 1, 60 * MIB),
  row("update-status, charmlet", 23, 1),
  row("changed-2", 24, 6),
  row("changed-2 by processes", 300, 6),
  row("changed-10", 27, 14, 70 * MIB),
  row("changed-10 by processes", 275, 14),
  row("changed-100", 36, 104, 65 * MIB),
  row("changed-100 by processes", 1940, 104),
  row("is-leader as a process", 30),
  row("etcd client, changed-3", 29, 6),
  row("magpie, nothing to check", 27, 3),
  row("magpie, ICMP of 1 peer", 1000, 4),
  row("magpie, ICMP of 50 peers", 1500, 4),
];

Deno.test("bench: quantiles are interpolated, whatever the order", () => {
  assertEquals(spread([40, 10, 30, 20, 50]), { low: 20, median: 30, high: 40 });
  assertEquals(quantile([4, 1, 2, 3], 0.5), 2.5);
  assertEquals(spread([7]), { low: 7, median: 7, high: 7 });
  assertThrows(() => quantile([], 0.5), RangeError);
});

Deno.test("bench: rare runs are spread over the rounds", () => {
  assertEquals([...roundsOf(5, 15)], [0, 3, 6, 9, 12]);
  assertEquals([...roundsOf(15, 15)].length, 15);
  assertEquals([...roundsOf(3, 3)], [0, 1, 2]);
});

Deno.test("bench: a row is the median of equal hooks", () => {
  const cost = (ms: number, commands: string[]) => ({ ms, agentMs: ms / 10, commands });
  const made = rowOf("x", [cost(30, ["a"]), cost(10, ["b"]), cost(20, ["a"])], 5);
  assertEquals(made, { id: "x", runs: 3, ms: { low: 15, median: 20, high: 25 }, agentMs: 2, commands: 1, memory: 5 });
  assertThrows(() => rowOf("x", [cost(1, []), cost(1, ["a"])], undefined), Error, "0 or 1 commands");
  assertThrows(() => rowOf("x", [], undefined), Error);
});

Deno.test("bench: processes count as 20 ms each, quicker and slower ones", () => {
  assertEquals(normalized(row("x", 500, 10), 30), 400);
  assertEquals(normalized(row("x", 100, 10), 5), 250);
});

Deno.test("bench: targets are met at their bounds and missed beyond", () => {
  const met = targetsOf(ROWS, 100 * MIB);
  assertEquals(met.map(({ value }) => Number(value.toFixed(3))), [1.35, 1.8, 1.15, 1.15, 1.35, 5, 1.5, 5, 25, 70, 100]);
  assertEquals(met.map(isMet), met.map(() => true));
  const slower = ROWS.map((one) => {
    if (one.id === "hello world") return row(one.id, 19);
    return row(one.id, (one.id.endsWith("50 peers") ? 3 : 2) * one.ms.median, 99, 71 * MIB);
  });
  assertEquals(targetsOf(slower, 101 * MIB).map(isMet), met.map(() => false));
  assertThrows(() => targetsOf(ROWS.slice(1), 1), RangeError, "hello world was not measured");
});

Deno.test("bench: tables are aligned and say what is missed", () => {
  const [head, first, second] = formatRows(ROWS);
  assertEquals(head?.length, first?.length);
  assertStringIncludes(first ?? "", "1.00");
  assertStringIncludes(second ?? "", "1.15");
  const lines = formatTargets(targetsOf(ROWS, 101 * MIB));
  assertEquals(lines.map((line) => line.endsWith("MISSED")), lines.map((_, at) => at === lines.length - 1));
});
