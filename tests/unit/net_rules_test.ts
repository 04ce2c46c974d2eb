/** The search for a path MTU, batches and minimum speeds, and the line that sums up. */
import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { InputError } from "../../interfaces/clients/errors.ts";
import { findMtu } from "../../interfaces/clients/net/mtu.ts";
import type { CheckResult } from "../../interfaces/clients/net/result.ts";
import { minimumMbit, parseMinSpeed, parseProgression, planBatches } from "../../interfaces/clients/net/speed_rules.ts";
import { summarise } from "../../interfaces/clients/net/summary.ts";

/** A path that carries packets up to a size; who refuses a bigger one may name a size. */
function path(mtu: number, hint?: number) {
  const sent: number[] = [];
  const send = (size: number) => {
    sent.push(size);
    const received = size <= mtu ? 1 : 0;
    const measurements = { transmitted: 1, received, lossPercent: 100 - 100 * received, rttMs: null };
    return Promise.resolve({ measurements, ...(received || hint === undefined ? {} : { mtu: hint }) });
  };
  return { send, sent };
}

Deno.test("the path MTU is found for every size, in few rounds", async () => {
  for (const mtu of [68, 69, 576, 1280, 1399, 1400, 1401, 1499, 8998, 8999]) {
    const { send, sent } = path(mtu);
    assertEquals(await findMtu(9000, 68, send), { size: mtu });
    assertLessOrEqual(sent.length, 2 + 5 * 8);
  }
  assertEquals(await findMtu(1281, 1280, path(1280).send), { size: 1280 });
});

Deno.test("no search when the required size fits, when nothing does, or when the hint is right", async () => {
  const fitting = path(9000);
  assertEquals([await findMtu(9000, 68, fitting.send), fitting.sent], [{ size: 9000 }, [9000]]);
  const cut = path(0);
  assertEquals([await findMtu(9000, 68, cut.send), cut.sent], [{ size: null }, [9000, 68]]);
  const hinted = path(1400, 1400);
  assertEquals([await findMtu(9000, 68, hinted.send), hinted.sent], [{ size: 1400 }, [9000, 68, 1400]]);
});

Deno.test("a wrong hint is not believed", async () => {
  for (const hint of [1500, 1, 99_999, 9000]) {
    assertEquals(await findMtu(9000, 68, path(1400, hint).send), { size: 1400 });
  }
});

Deno.test("batches share the time equally among the progression", () => {
  assertEquals(planBatches([2, 4, 8], 10, 60), [2, 2, 4, 4, 8, 8]);
  assertEquals(planBatches([2, 4, 8], 10, 35), [2, 4, 8]);
  assertEquals(planBatches([2, 4, 8], 10, 5), [2]);
  assertEquals(planBatches([2, 4], 10, 50), [2, 2, 2, 4, 4]);
});

Deno.test("minimum speeds and progressions as operators write them", () => {
  assertEquals(parseMinSpeed("1000"), { mbit: 1000 });
  assertEquals(parseMinSpeed(" 80% "), { percent: 80 });
  assertEquals([parseMinSpeed("0"), parseMinSpeed("0%")], [undefined, undefined]);
  for (const text of ["", "-1", "1.5", "1G", "101%", "80 %", "1e3"]) {
    assertThrows(() => parseMinSpeed(text), InputError);
  }
  assertEquals(minimumMbit({ percent: 80 }, 25_000), 20_000);
  assertEquals([minimumMbit({ mbit: 5 }, null), minimumMbit(undefined, null)], [5, null]);
  for (const link of [null, 0, -1]) assertThrows(() => minimumMbit({ percent: 80 }, link), InputError);
  assertEquals(parseProgression("2 4  8"), [2, 4, 8]);
  for (const text of ["", "a", "0", "2 -4", "129", "1 ".repeat(65)]) {
    assertThrows(() => parseProgression(text), InputError);
  }
});

const result = (check: string, target: string, reason?: string): CheckResult<null> => ({
  check,
  target,
  ok: reason === undefined,
  ...(reason === undefined ? {} : { reason }),
  measurements: null,
});

Deno.test("everything passed", () => {
  const peers = ["magpie/1", "magpie/2", "magpie/3"];
  const all = ["icmp", "dns", "mtu 1500"].flatMap((check) => peers.map((peer) => result(check, peer)));
  assertEquals(summarise(all), { ok: true, line: "icmp ok, dns ok, mtu 1500 ok, 3 peers" });
  assertEquals(summarise([result("link", "bond0")], 1), { ok: true, line: "link ok, 1 peer" });
  assertEquals(summarise([]), { ok: true, line: "0 peers" });
});

Deno.test("failures come first and say towards whom", () => {
  const all = [
    result("icmp", "magpie/1"),
    result("icmp", "magpie/2"),
    result("dns", "magpie/1"),
    result("dns", "magpie/2", "reverse: no PTR record"),
    result("link", "bond0", "eth2 down"),
  ];
  assertEquals(summarise(all), {
    ok: false,
    line: "dns failed: magpie/2 (reverse: no PTR record), link failed: bond0 (eth2 down), icmp ok, 2 peers",
  });
});

Deno.test("the line stays short and clean whatever the results say", () => {
  const many = Array.from({ length: 500 }, (_, n) => result("icmp", `magpie/${n}`, "0/3 replies"));
  const { line } = summarise(many);
  assertEquals(
    line,
    "icmp failed: magpie/0 (0/3 replies), magpie/1 (0/3 replies), magpie/2 (0/3 replies) and 497 more, 500 peers",
  );
  const hostile = summarise([result("dns", "x".repeat(10_000), `\u001b[31m\n${"y".repeat(10_000)}`)]).line;
  assert(hostile.length <= 200 && !/\p{Cc}/u.test(hostile), hostile);
  assertEquals(summarise(many, 3, 20).line, "icmp failed: magpie…");
});
