/** Every world of the torture, by two seeds; `build/deno task torture` takes any number of them. */
import { assert, assertEquals } from "@std/assert";
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
