/** Parts of the torture that need no hooks: schedules, and shortening them. */
import { assert, assertEquals } from "@std/assert";
import { canonical, differences } from "../torture/end_state.ts";
import { inWords, makeSchedule } from "../torture/schedule.ts";
import { shrink } from "../torture/shrink.ts";
import { WORLDS } from "../torture/worlds.ts";

const ITEMS = Array.from({ length: 20 }, (_, index) => index);

async function shortest(needed: readonly number[], patience = 1_000): Promise<[items: number[], tried: number]> {
  let tried = 0;
  const fails = (items: readonly number[]) => {
    tried++;
    return Promise.resolve(needed.every((each) => items.includes(each)));
  };
  return [await shrink(ITEMS, fails, patience), tried];
}

Deno.test("a failing list is shortened to the items that it takes, in their order", async () => {
  for (const needed of [[], [0], [19], [3, 4], [0, 10, 19], ITEMS]) {
    const [items, tried] = await shortest(needed);
    assertEquals(items, needed);
    assert(tried <= 100, `${tried} attempts for ${needed}`);
  }
});

Deno.test("what is left when patience is over still fails", async () => {
  const [items, tried] = await shortest([3, 17], 4);
  assertEquals(tried, 4);
  assert(items.includes(3) && items.includes(17), `${items}`);
});

Deno.test("a seed makes one schedule for each world, and all kinds of steps come up", () => {
  for (const world of WORLDS) {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const schedule = makeSchedule(seed, world);
      assertEquals(makeSchedule(seed, world), schedule);
      for (const step of schedule.steps) {
        kinds.add(step.do === "fault" ? JSON.stringify(step.fault.do) : step.do);
        assert(inWords(step).length > 5, inWords(step));
      }
    }
    const always = ["hooks", "lead", "add unit", "remove unit", "update status"];
    const faults = ["kill", "lose-leadership", "close", "garbage"].map((what) => JSON.stringify(what));
    assertEquals([...always, ...faults].filter((kind) => !kinds.has(kind)), [], world.name);
  }
});

Deno.test("end states are compared without the order of lists, also of lists within texts", () => {
  assertEquals(canonical({ b: ["y", "x"], a: '["2","1"]' }), { a: ["1", "2"], b: ["x", "y"] });
  assertEquals(canonical("[no json"), "[no json");
  assertEquals(differences({ a: [1], b: { c: 1 } }, { a: [1], b: { c: 2, d: 3 } }), [
    "/b/c: 2 in place of 1",
    "/b/d: 3 in place of undefined",
  ]);
});
