/** Every surface where data of others enters is attacked; `build/deno task fuzz` does it with any number of cases. */
import { assertEquals, assertMatch, assertStringIncludes, fail } from "@std/assert";
import process from "node:process";
import fc from "fast-check";
import { ValueError } from "../../hooks/errors.ts";
import { attackSurface, attempt, CANARY, type Surface, surface } from "../fuzz/surface.ts";
import { SURFACES } from "../fuzz/surfaces.ts";

const CASES = 1_000;
/** The same in each run: a case that nobody has seen yet belongs into the task, not into a test of something else. */
const SEED = 20_260_101;

for (const each of SURFACES) {
  Deno.test({
    name: `attacked: ${each.name}`,
    // Deno 2.7.11 leaks a fetchResponse when a fetch is aborted at the moment its response arrives.
    sanitizeResources: !each.name.startsWith("servers: "),
    async fn() {
      const { cases, taken, refused, failure } = await attackSurface(each, { cases: CASES, seed: SEED });
      if (failure !== undefined) fail(failure);
      assertEquals([cases, taken + refused], [CASES, CASES]);
    },
  });
}

async function brokenBy(run: (input: string) => unknown): Promise<string> {
  const broken: Surface = surface("broken", fc.string, async (input) => (await attempt(() => run(input))).verdict);
  const { failure = "nothing" } = await attackSurface(broken, { cases: CASES, seed: SEED });
  return failure;
}

Deno.test("a surface that breaks is told with the smallest input and how to repeat it", async () => {
  const failure = await brokenBy((input) => {
    if (input.length > 2) throw new TypeError("oops");
  });
  assertStringIncludes(failure, "an error that nobody foresaw: TypeError: oops");
  assertMatch(failure, /Input: \[".{3}"\]/);
  assertMatch(failure, /task fuzz -- --surface "broken" --cases 1000 --seed 20260101 --path [\d:]+$/);
});

Deno.test("typed errors of one plain line are no breach; others, and secrets in them, are", async () => {
  const refuse = (text: string) => () => {
    throw new ValueError(text);
  };
  assertEquals(await brokenBy(refuse("is no number; give one")), "nothing");
  assertStringIncludes(await brokenBy(refuse("")), "is empty");
  assertStringIncludes(await brokenBy(refuse(`the password ${CANARY} is wrong`)), "has the secret in it");
  const twoLines = Object.defineProperty(new ValueError("a"), "message", { value: "a\nERROR forged" });
  assertStringIncludes(await brokenBy(() => Promise.reject(twoLines)), "is not one plain line");
});

Deno.test("a case that takes too much of the processor is a breach", async () => {
  const work = () => {
    const before = process.cpuUsage();
    while (process.cpuUsage(before).user < 50_000);
    return "taken" as const;
  };
  const slow = surface("slow", () => fc.constant(0), work, 40);
  const { failure = "nothing" } = await attackSurface(slow, { cases: 1, seed: SEED });
  assertStringIncludes(failure, "ms of the processor's time");
});
