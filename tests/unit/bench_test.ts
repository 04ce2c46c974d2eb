import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { drawPicture } from "../bench/picture.ts";
import { partsOf, processorOf } from "../bench/profile.ts";
import { build, UnavailableError } from "../bench/programs.ts";
import { formatRows, formatTargets } from "../bench/report.ts";
import { medianOf, type Row, rowOf } from "../bench/rows.ts";
import { quantile, spread } from "../bench/stats.ts";
import { isMet, targetsOf } from "../bench/targets.ts";
import { benchWorld, publish } from "../bench/world.ts";

const MIB = 1024 * 1024;

function row(group: string, program: string, ms: number, memory?: number): Row {
  return { group, program, runs: 15, ms: { low: ms, median: ms, high: ms }, agentMs: 0, commands: 6, memory };
}

/** Lines of one hook in which each peer is just as slow as it must be at least. */
function compared(group: string, ours: number, timesProcesses: number): Row[] {
  return [
    row(group, "charmlet", ours, 70 * MIB),
    row(group, "charmlet by processes", 300),
    row(group, "charmlet by processes, 20 ms", timesProcesses * ours),
    row(group, "goops", 10),
    row(group, "goops, 20 ms", timesProcesses * ours),
    row(group, "ops", 3 * ours, 90 * MIB),
    row(group, "ops, 20 ms", 3 * ours),
    row(group, "charms.reactive", 6 * ours),
    row(group, "charms.reactive, 20 ms", 6 * ours),
  ];
}

/** A run in which each target is just met. */
const ROWS: readonly Row[] = [
  row("floor", "hello world", 20),
  ...compared("update-status", 23, 1),
  row("update-status", "whole product", 23),
  ...compared("changed-2", 24, 5),
  ...compared("changed-10", 27, 5),
  ...compared("changed-100", 36, 25),
  row("etcd client", "changed-3", 29),
  row("magpie", "nothing to check", 27),
  row("magpie", "ICMP of 1 peer", 1000),
  row("magpie", "ICMP of 50 peers", 1500),
];

const isPeer = ({ program }: Row) => /^(ops|goops|charms\.reactive)/.test(program);

Deno.test("bench: quantiles are interpolated, whatever the order", () => {
  assertEquals(spread([40, 10, 30, 20, 50]), { low: 20, median: 30, high: 40 });
  assertEquals(quantile([4, 1, 2, 3], 0.5), 2.5);
  assertEquals(spread([7]), { low: 7, median: 7, high: 7 });
  assertThrows(() => quantile([], 0.5), RangeError);
});

Deno.test("bench: a row is the median of equal hooks", () => {
  const one = { group: "g", program: "p" };
  const cost = (ms: number, commands: string[]) => ({ ms, agentMs: ms / 10, commands });
  const made = rowOf(one, [cost(30, ["a"]), cost(10, ["b"]), cost(20, ["a"])], 5);
  assertEquals(made, { ...one, runs: 3, ms: { low: 15, median: 20, high: 25 }, agentMs: 2, commands: 1, memory: 5 });
  assertThrows(() => rowOf(one, [cost(1, []), cost(1, ["a"])], undefined), Error, "g, p ran 0 or 1 commands");
  assertThrows(() => rowOf(one, [], undefined), Error);
  assertThrows(() => medianOf([made], "g", "other"), RangeError, "g, other was not measured");
});

Deno.test("bench: each run finds a new version, and knows what the hook shall write", () => {
  const world = benchWorld(3);
  assertEquals([publish(world, 7), publish(world, 9)], ["3 9", "3 11"]);
});

Deno.test("bench: targets are met at their bounds and missed beyond", () => {
  const met = targetsOf(ROWS, 100 * MIB);
  const ratios = met.filter(({ what }) => what.startsWith("changed-10,") || what.startsWith("changed-100,"));
  assertEquals(ratios.map(({ value }) => Number(value.toFixed(2))), [1.35, 1.8, 5, 25, 5, 25, 3, 3, 3, 3, 6, 6, 6, 6]);
  assertEquals(met.filter((target) => !isMet(target)), []);
  const slower = ROWS.map((one) => {
    if (one.program === "hello world") return row(one.group, one.program, 19);
    if (isPeer(one)) return one;
    const factor = one.program.endsWith("50 peers") ? 3 : one.program === "charmlet by processes, 20 ms" ? 1 : 2;
    return row(one.group, one.program, factor * one.ms.median, 71 * MIB);
  });
  assertEquals(targetsOf(slower, 101 * MIB).filter(isMet), []);
  assertThrows(() => targetsOf(ROWS.slice(1), 1), RangeError, "floor, hello world was not measured");
});

Deno.test("bench: a peer that is left out has no targets, and what it takes is not our memory", () => {
  const all = targetsOf(ROWS, 1);
  const without = targetsOf(ROWS.filter((one) => !isPeer(one)), 1);
  assertEquals(all.length - without.length, 2 + 2 * 2 * 4);
  assertEquals(all.find(({ what }) => what.includes("memory"))?.value, 70);
});

Deno.test("bench: what cannot be built says why in one line", async () => {
  const here = Deno.cwd();
  await assertRejects(() => build(["no-such-program"], here), UnavailableError, "there is no no-such-program");
  const failing = ["/bin/sh", "-c", "echo one >&2; echo two >&2; exit 3"] as const;
  await assertRejects(() => build([...failing], here), UnavailableError, "exit 3 failed: two");
  await assertRejects(() => build(["/bin/sh", "-c", "exit 3"], here), UnavailableError, "failed: exit status 3");
  assertEquals(await build(["/bin/sh", "-c", 'echo "$WHAT"'], here, { WHAT: "built" }), "built");
});

Deno.test("bench: tables are aligned, compare with ours and the floor, and say what is missed", () => {
  const [head = "", first = "", second = "", third = ""] = formatRows(ROWS);
  assertEquals(head.length, first.length);
  const cells = (line: string) => line.trim().split(/  +/);
  assertEquals(cells(first), ["floor", "hello world", "20.0", "20.0–20.0", "1.00", "6", "0.0", "15"]);
  assertEquals(cells(second).slice(2, 6), ["23.0", "23.0–23.0", "1.00", "1.15"]);
  assertEquals(cells(third).slice(0, 5), ["charmlet by processes", "300.0", "300.0–300.0", "13.04", "15.00"]);
  const lines = formatTargets(targetsOf(ROWS, 101 * MIB));
  assertEquals(lines.map((line) => line.endsWith("MISSED")), lines.map((_, at) => at === lines.length - 1));
});

Deno.test("bench: the picture has a bar for each program that was measured, ours in both panels", () => {
  const picture = drawPicture(ROWS, { goops: "1.0 <&>", ops: "2.0", absent: "3.0" });
  // The background is a rectangle too.
  assertEquals(picture.match(/<rect/g)?.length, 1 + 2 * 4 * 4);
  assertEquals(picture.match(/class="ours"/g)?.length, 2 * 4);
  assertStringIncludes(picture, "goops 1.0 &lt;&amp;>");
  assertStringIncludes(picture, "900 · 25 ×");
  assert(!/NaN|Infinity|absent|undefined/.test(picture));
});

Deno.test("bench: the stretches of a profile add up to the whole hook, and to what the processor did above the floor", () => {
  const marks = {
    entered: { wall: 1031, cpu: 22 },
    connected: { wall: 1032, cpu: 22.5 },
    "handler began": { wall: 1035, cpu: 24 },
    "handler ended": { wall: 1037, cpu: 25 },
    returned: { wall: 1038, cpu: 25.5 },
  };
  const floor = { entered: { wall: 28, cpu: 20 }, ms: 31, rest: 3 };
  const parts = Object.entries(partsOf({ marks, spent: {} }, 1000, 42.5, 0.5, floor));
  const [whole, ...stretches] = parts.filter(([name]) => !name.startsWith(" ")).map(([, ms]) => ms);
  assertEquals(stretches, [31, 3, 1, 3, 2, 1, 1.5]);
  assertEquals(stretches.reduce((sum, ms) => sum + ms, 0), whole);
  const [all, ...inside] = Object.values(processorOf({ marks, spent: {} }, floor));
  assertEquals([all, inside], [5.5, [2, 0.5, 1.5, 1, 0.5]]);
});
