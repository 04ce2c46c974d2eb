/** Every world of the torture, by two seeds; `build/deno task torture` takes any number of them. */
import { assert, assertEquals } from "@std/assert";
import { USERS } from "../../interfaces/async_replication/credentials.ts";
import { live } from "../torture/life.ts";
import type { Step } from "../torture/schedule.ts";
import { compileAll, explain, NOTHING, sum, torture, tortureAll } from "../torture/torture.ts";
import { WORLDS } from "../torture/worlds.ts";

/** The same in each run: a schedule that nobody has seen yet belongs into the task. */
const SEEDS = [1, 2];

Deno.test("worlds that are tortured end as without faults, and every invariant holds", async () => {
  const options = await compileAll();
  const work = SEEDS.flatMap((seed) => WORLDS.map((world) => [seed, world] as const));
  const failures: string[] = [];
  let all = NOTHING;
  await tortureAll(work, options, (seed, world, figures, findings) => {
    all = sum(all, figures);
    failures.push(...findings.map((finding) => explain(seed, world, finding)));
  }, console.error);
  assertEquals(failures, []);
  assertEquals([all.schedules, all.differing], [work.length, 0]);
  assert(all.kills > 0 && all.flips > 0 && all.failures > 0, `nothing went wrong: ${JSON.stringify(all)}`);
});

Deno.test("without faults, two sites become a primary and its replica, with the primary's passwords", async () => {
  const world = WORLDS.find(({ name }) => name === "async_replication");
  assert(world);
  const { last } = await live({ seed: 1, world, steps: [] }, { ...await compileAll(), calm: true });
  const units = ["east/0", "east/1", "west/0", "west/1"].map((unit) => last?.units[unit]);
  const knows = USERS.map(({ key }) => key).sort();
  const seen = units.map((unit) => JSON.parse(unit?.state["charmlet.stored.torture:seen"] ?? "{}").value);
  const east = { set: "set-east", mode: "open", units: ["east/0", "east/1"] };
  const west = { set: "set-east", mode: "replica", units: ["west/0", "west/1"] };
  assertEquals(seen.map((each) => ({ ...each, knows: each.knows.toSorted() })), [
    { ...east, knows },
    { ...east, knows },
    { ...west, knows },
    { ...west, knows },
  ]);
  assertEquals(units.map((unit) => unit?.status[0]), Array(4).fill("active"));
});

/** What the task has found, by its world and what is left of its schedule. */
const FOUND: readonly { readonly what: string; readonly world: string; readonly steps: readonly Step[] }[] = [{
  what: "a proxy that is related anew while its old relation ends keeps its access to the password",
  world: "website",
  steps: [
    { do: "lead", unit: "website/0" },
    { do: "hooks", count: 100 },
    { do: "unrelate", sides: ["website:site", "proxy:upstream"] },
    { do: "relate", sides: ["website:site", "proxy:upstream"] },
  ],
}];

for (const { what, world: name, steps } of FOUND) {
  Deno.test(`found by torture: ${what}`, async () => {
    const world = WORLDS.find((each) => each.name === name);
    assert(world);
    assertEquals((await torture({ seed: 1, world, steps }, await compileAll())).broken, new Map());
  });
}
