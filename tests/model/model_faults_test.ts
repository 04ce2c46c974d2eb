/**
 * The simulated Juju when things go wrong: failures, kills, lost leadership, broken connections, other orders.
 */
import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Fault, type Model, ModelError } from "./mod.ts";
import { APP, DB, runsOf, scripted, withModel } from "./test_charm.ts";

/** Writes to the own bag and to the stored state in three hook commands. */
const WRITES = "relation-set -r cluster:0 step=one\nstate-set step=one\nrelation-set -r cluster:0 step=two";

function committed(model: Model, unit: string) {
  return { step: model.relation(0).unitBags[unit]?.step, state: model.world.units[unit]?.state };
}

Deno.test("a failed hook leaves nothing and is run again before anything else, in a new context", async () => {
  const db = scripted(DB, {
    "hooks/start":
      `${WRITES}\nstatus-set waiting tried\nif [ ! -e tried ]; then touch tried; echo oh no >&2; exit 4; fi`,
  });
  await withModel({ retries: 0, concurrency: 1 }, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), units: 1 });
    await model.settle();
    assertEquals(runsOf(model, "db/0").at(-1), "start (failed)");
    assertEquals(committed(model, "db/0"), { step: undefined, state: {} });
    assertEquals(model.world.units["db/0"]?.agentStatus.message, 'hook failed: "start"');
    assertEquals(model.world.units["db/0"]?.status.message, "tried");
    assertEquals(model.log("db/0").at(-1), { level: "WARNING", module: "unit.db/0.start", message: "oh no" });

    model.setConfig("db", { color: "green" });
    await model.settle();
    const action = await model.run("db/0", "none");
    assertEquals(action.status, "failed");
    assertEquals(runsOf(model, "db/0").slice(-2), ["start (failed)", "none (failed)"]);
    model.resolved("db/0");
    await model.settle();
    assertEquals(runsOf(model, "db/0").slice(-2), ["start", "config-changed"]);
    assertEquals(committed(model, "db/0"), { step: "two", state: { step: "one" } });
    const starts = model.timeline.filter((entry) => entry.name === "start");
    assertEquals(starts.map((entry) => [entry.attempt, entry.exit]), [[1, 4], [2, 0]]);
    assertNotEquals(starts[0]?.contextId, starts[1]?.contextId);
  });
});

Deno.test("a hook that keeps failing ends the model with its last words", async () => {
  const db = scripted(DB, { "hooks/install": "echo cannot reach the archive >&2; exit 1" });
  await withModel({ retries: 2 }, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db") });
    const error = await assertRejects(() => model.settle(), ModelError);
    assertEquals(error.message, 'db/0: hook "install" failed 3 times: exit status 1\ncannot reach the archive');
    await model.settle();
    assertEquals(model.timeline.length, 1 + 3);
  });
});

const KILLS: readonly { at: Fault["at"]; commands: number; committedFirst: boolean }[] = [
  { at: { command: 1, when: "before" }, commands: 0, committedFirst: false },
  { at: { command: 2, when: "after" }, commands: 2, committedFirst: false },
  { at: { command: 3, when: "after" }, commands: 3, committedFirst: false },
  { at: "before-commit", commands: 3, committedFirst: false },
  { at: "after-commit", commands: 3, committedFirst: true },
];

for (const { at, commands, committedFirst } of KILLS) {
  Deno.test(`a hook killed at ${JSON.stringify(at)} runs again, and nothing is half-written`, async () => {
    const db = scripted(DB, { "hooks/start": WRITES });
    const faults: Fault[] = [{ unit: "db/0", hook: "start", occurrence: 1, at, do: "kill" }];
    await withModel({ faults, concurrency: 1 }, { db }, async (model, directory) => {
      await model.deploy({ name: "db", charm: directory("db") });
      await model.settle();
      const [first, second] = model.timeline.filter((entry) => entry.name === "start");
      assertEquals([first?.outcome, second?.outcome], ["killed", "done"]);
      assertEquals(first?.commands.length, commands);
      assertEquals(first?.bags.length, committedFirst ? 1 : 0);
      assertEquals(second?.bags.length, committedFirst ? 0 : 1);
      assertEquals(second?.commands.length, 3);
      assertEquals(committed(model, "db/0"), { step: "two", state: { step: "one" } });
    });
  });
}

Deno.test("leadership lost before the commit drops the whole hook", async () => {
  const db = scripted(DB, {
    "hooks/config-changed":
      'if [ "$(is-leader)" = True ]; then relation-set -r cluster:0 --app by=$JUJU_UNIT_NAME; fi\n' +
      "state-set seen=$(config-get color)",
  });
  const faults: Fault[] = [{
    unit: "db/0",
    hook: "config-changed",
    occurrence: 2,
    at: "before-commit",
    do: "lose-leadership",
  }];
  await withModel({ faults }, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), units: 2 });
    await model.settle();
    assertEquals(model.relation(0).appBags.db, { by: "db/0" });
    assertEquals(model.world.applications.db?.leader, "db/0");
    const mark = model.timeline.length;
    model.setConfig("db", { color: "blue" });
    await model.settle();
    assertEquals(model.world.applications.db?.leader, "db/1");
    const runs = model.timeline.slice(mark).filter((entry) => entry.unit === "db/0" && entry.name === "config-changed");
    assertEquals(runs.map((entry) => [entry.outcome, entry.exit, entry.state?.after.seen]), [
      ["refused", 0, undefined],
      ["done", 0, "blue"],
    ]);
    assertStringIncludes(runs[0]?.error ?? "", "leader");
    assertStringIncludes(runsOf(model, "db/1", mark).join(" "), "leader-elected");
  });
});

Deno.test("the only unit that loses leadership is elected again", async () => {
  const faults: Fault[] = [{ hook: "start", at: "after-commit", do: "lose-leadership" }];
  await withModel({ faults }, { db: DB }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db") });
    await model.settle();
    assertEquals(runsOf(model, "db/0").filter((run) => run === "leader-elected").length, 2);
    assertEquals(model.world.applications.db?.leader, "db/0");
  });
});

Deno.test("an agent that closes the connection, answers garbage or answers late", async () => {
  const db = scripted(DB, { "hooks/start": WRITES });
  const at = { command: 2, when: "after" } as const;
  const faults: Fault[] = [
    { hook: "start", occurrence: 1, at, do: "close" },
    { hook: "start", occurrence: 2, at, do: "garbage" },
    { hook: "start", occurrence: 3, at: { command: "every", when: "before" }, do: { delayMs: 30 } },
  ];
  await withModel({ faults, socket: "path" }, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db") });
    await model.settle();
    const starts = model.timeline.filter((entry) => entry.name === "start");
    assertEquals(starts.map((entry) => entry.outcome), ["failed", "failed", "done"]);
    assertEquals(starts.map((entry) => entry.faults[0]), [
      "close after command 2",
      "garbage after command 2",
      "30 ms late before command 1",
    ]);
    assert(starts[2]?.commands.every((command) => command.ms >= 29));
    assertEquals(committed(model, "db/0"), { step: "two", state: { step: "one" } });
  });
});

Deno.test("a seed decides what Juju leaves open, and decides it again", async () => {
  const order = async (seed: number): Promise<string[]> => {
    const runs: string[] = [];
    await withModel({ seed }, { db: DB, app: APP }, async (model, directory) => {
      await model.deploy({ name: "db", charm: directory("db"), units: 3 });
      await model.deploy({ name: "app", charm: directory("app") });
      model.relate("db", "app");
      await model.settle();
      runs.push(...model.timeline.map((entry) => `${entry.unit} ${entry.name} ${entry.contextId}`));
      const perUnit = runsOf(model, "db/1").map((run) => run.replace(/^(?:cluster|server)-(relation-created)/, "x-$1"));
      const own = ["data-storage-attached", "install", "x-relation-created", "x-relation-created"];
      assertEquals(perUnit.slice(0, 4), own);
    });
    return runs;
  };
  const first = await order(7);
  assertEquals(await order(7), first);
  assertNotEquals(await order(8), first);
});

Deno.test("units of one machine take turns, and closing ends what hooks left running", async () => {
  const db = scripted(DB, { "hooks/start": "sleep 300 >/dev/null 2>&1 &\necho $! > pid" });
  // A dead process whose new parent has not waited for it yet is still listed, as a zombie.
  const alive = (pid: string) =>
    Deno.readTextFile(`/proc/${pid}/stat`).then((text) => !/\) [ZX] /.test(text), () => false);
  let pid = "";
  await withModel({ concurrency: 4 }, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), units: 3, machine: () => "0" });
    await model.settle();
    const runs = [...model.timeline].sort((a, b) => a.start - b.start);
    runs.forEach((run, index) => assert(index === 0 || run.start >= (runs[index - 1]?.end ?? 0), run.name));
    pid = (await Deno.readTextFile(`${model.charmDir("db/0")}/pid`)).trim();
    assertEquals(await alive(pid), true);
  });
  for (let tries = 0; tries < 200 && await alive(pid); tries++) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(await alive(pid), false);
});

Deno.test("a hook that never ends is killed after the model's limit", async () => {
  const db = scripted(DB, { "hooks/install": "sleep 300" });
  await withModel({ hookTimeoutMs: 2000, retries: 0 }, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db") });
    await model.settle();
    assertEquals(model.timeline.at(-1)?.error, "no end after 2000 ms");
    assertEquals(model.pending("db/0")?.name, "install");
  });
});

Deno.test("a model without an end says which hooks go round", async () => {
  const db = scripted(DB, { "hooks/cluster-relation-changed": "relation-set n=$JUJU_CONTEXT_ID" });
  await withModel({}, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), units: 2 });
    const error = await assertRejects(() => model.settle({ maxHooks: 30 }), ModelError);
    assertStringIncludes(error.message, "no end after 30 operations");
    assertStringIncludes(error.message, "cluster-relation-changed");
  });
});
