import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runHookCommands } from "./hook_commands.ts";

const SAMPLE = fileURLToPath(new URL("./data/hook-commands.json", import.meta.url));

Deno.test("hook commands: every sample case passes over both wire paths", async () => {
  const { cases } = JSON.parse(await Deno.readTextFile(SAMPLE)) as { cases: unknown[] };
  assertEquals(await runHookCommands(SAMPLE), { passed: cases.length, failed: [] });
});

Deno.test("hook commands: a wrong expectation fails on every path, and names what came instead", async () => {
  const { passed, failed } = await runCases([{
    id: "wrong",
    tool: "state-set",
    setup: { unit: "u/0" },
    args: ["a=b"],
    expect: { code: 0, stdout: "x\n", stderr: "", effects: { state_set: { a: "c" } } },
  }]);
  assertEquals(passed, 0);
  assertEquals(failed.map(({ id }) => id), ["wrong (native)", "wrong (process)"]);
  for (const { got } of failed) {
    assertStringIncludes(got, 'stdout ""');
    assertStringIncludes(got, 'state_set is {"a":"b"}');
  }
});

Deno.test("hook commands: effects that a case does not expect fail it", async () => {
  const { failed } = await runCases([{
    id: "silent",
    tool: "open-port",
    setup: { unit: "u/0" },
    args: ["80"],
    expect: { code: 0, stdout: "", stderr: "" },
  }]);
  assertEquals(failed.length, 2);
  assertStringIncludes(failed[0]?.got ?? "", 'also caused open_ports [["","80/tcp"]]');
});

Deno.test("hook commands: a setup key without a meaning fails the case", async () => {
  const { passed, failed } = await runCases([{
    id: "odd",
    tool: "is-leader",
    setup: { unit: "u/0", moon_phase: "full" },
    args: [],
    expect: { code: 0, stdout: "False\n", stderr: "" },
  }]);
  assertEquals(passed, 0);
  assertStringIncludes(failed[0]?.got ?? "", "unknown setup key moon_phase");
});

async function runCases(cases: readonly unknown[]) {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, JSON.stringify({ cases }));
    return await runHookCommands(path);
  } finally {
    await Deno.remove(path);
  }
}
