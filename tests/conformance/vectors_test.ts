import { assert, assertEquals, assertRejects } from "@std/assert";
import { runVectors } from "./vectors.ts";

const FILE = new URL("data/jujuc-gob-vectors.json", import.meta.url).pathname;

Deno.test("every agent protocol vector passes", async () => {
  const { passed, failed } = await runVectors(FILE);
  assertEquals(failed, []);
  assert(passed > 14 * 20, `only ${passed} checks ran`);
});

Deno.test("a vector that is wrong in one field is reported with its id", async () => {
  const file = JSON.parse(await Deno.readTextFile(FILE));
  file.cases[0].calls[0].request.Args[5] = "app/1";
  file.cases[4].calls[0].response.Code = 2;
  file.primitives.int[0][1] = "04";
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, JSON.stringify(file));
    const { failed } = await runVectors(path);
    assertEquals(
      failed.filter(({ id }) => !id.includes("split") && !id.includes("at a time")).map(({ id }) => id),
      [
        "relation-get-json: requests, whole",
        "nonzero-exit-with-stderr: replies, whole",
        "primitive int 1: decoded",
        "primitive int 1: encoded",
      ],
    );
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a file without vectors is refused", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, "{}");
    await assertRejects(() => runVectors(path), TypeError, '"cases" is missing');
  } finally {
    await Deno.remove(path);
  }
});
