/** The compiled executable when the agent is slow, breaks off or talks nonsense, and when Juju kills it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { withBuiltCharm } from "./built_charm.ts";
import { tryMode, written } from "./probe_written.ts";

for (const socket of ["abstract", "path"] as const) {
  Deno.test(`peers agree over an ${socket} socket, and a megabyte in a databag is no trouble`, async () => {
    await withBuiltCharm("probe", { socket }, async ({ model, charm }) => {
      await model.deploy({ name: "probe", charm, units: 3 });
      await model.settle();
      const id = Number(Object.keys(model.status().relations)[0]);
      const script =
        `head -c 1000000 /dev/zero | tr '\\0' x > big.txt; printf '{"big": "%s"}' "$(cat big.txt)" > big.json; ` +
        `relation-set -r ${id} --file big.json`;
      const sent = await model.exec("probe/1", script);
      assertEquals([sent.code, sent.error], [0, ""], sent.stderr);
      await model.settle();
      const bags = model.relation(id).unitBags;
      assertEquals([bags["probe/0"]?.seen, bags["probe/0"]?.largest], ["2", "1000000"]);
      assertEquals(model.relation(id).appBags.probe, { units: "3" });
    });
  });
}

for (const fault of ["close", "garbage"] as const) {
  Deno.test(`an agent that answers with ${fault} fails the hook in one clear line, and the retry mends it`, async () => {
    await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
      await model.deploy({ name: "probe", charm });
      await model.settle();
      const before = written(structuredClone(model.status()));
      model.addFault({ unit: "probe/0", hook: "config-changed", at: { command: 2, when: "before" }, do: fault });
      const { lines, outcome } = await tryMode(model, "write-everywhere");
      assertEquals(outcome, "failed");
      assertEquals(lines.length, 1, lines.join("\n"));
      assertMatch(lines[0] ?? "", /^charmlet: config-changed: .*(agent|answer).*/);
      assertEquals(written(model.status()), before);
    });
  });
}

Deno.test("an agent that is slow is waited for", async () => {
  const faults = [{ at: { command: "every", when: "before" }, do: { delayMs: 40 } }] as const;
  await withBuiltCharm("probe", { faults }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm, units: 2 });
    await model.settle();
    assertEquals(model.timeline.filter(({ outcome }) => outcome !== "done" && outcome !== "skipped"), []);
    assertEquals(Object.values(model.status().relations)[0]?.unitBags["probe/0"]?.seen, "1");
  });
});

Deno.test("a hook killed at any of its commands ends, after the retry, as if it had not been", async () => {
  const run = async (kill: number | undefined): Promise<{ end: unknown; commands: number; killed: boolean }> => {
    const result: { end: unknown; commands: number; killed: boolean }[] = [];
    await withBuiltCharm("probe", {}, async ({ model, charm }) => {
      if (kill !== undefined) {
        const hook = "crew-relation-changed";
        model.addFault({ unit: "probe/0", hook, occurrence: 1, at: { command: kill, when: "after" }, do: "kill" });
      }
      await model.deploy({ name: "probe", charm, units: 2 });
      await model.settle();
      const runs = model.timeline.filter(({ unit, name }) => unit === "probe/0" && name === "crew-relation-changed");
      result.push({
        end: written(model.status()),
        commands: runs.at(-1)?.commands.length ?? 0,
        killed: runs.some(({ outcome }) => outcome === "killed"),
      });
    });
    const [only] = result;
    assert(only);
    return only;
  };
  const undisturbed = await run(undefined);
  assert(undisturbed.commands >= 5, `only ${undisturbed.commands} commands`);
  for (let command = 1; command <= undisturbed.commands; command++) {
    const disturbed = await run(command);
    assert(disturbed.killed, `command ${command} was not reached`);
    assertEquals(disturbed.end, undisturbed.end, `killed after command ${command}`);
  }
});

Deno.test("log lines before a failure arrive", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    await tryMode(model, "log-and-throw");
    const entry = model.timeline.findLast(({ name }) => name === "config-changed");
    assertEquals(entry?.commands.filter(({ name }) => name === "juju-log").length, 5);
  });
});

Deno.test("a promise that rejects before it is awaited is no failure; one that nobody awaits is, in one masked line", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    assertEquals((await tryMode(model, "late-await")).outcome, "done");
    const { lines, outcome } = await tryMode(model, "forget");
    assertEquals([outcome, lines], ["failed", ["charmlet: config-changed: Error: nobody may see [secret]"]]);
  });
});

Deno.test("an error that nothing catches ends the hook at once, in one masked line, and writes nothing", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    const { lines, outcome } = await tryMode(model, "throw-aside");
    assertEquals([outcome, lines], ["failed", ["charmlet: config-changed: Error: nobody may see [secret]"]]);
  });
});

Deno.test("an action of which Juju refuses a part leaves nothing of the rest, and still says why", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    const before = written(structuredClone(model.status()));
    const task = await model.run("probe/0", "half");
    assertEquals(task.status, "failed");
    assertMatch(String(task.results.stderr), /charmlet: half: open-port failed/);
    assertEquals(written(model.status()), before);
    assertEquals(Object.values(model.status().relations)[0]?.unitBags["probe/0"]?.half, undefined);
  });
});
