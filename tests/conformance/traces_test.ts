import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { main } from "./main.ts";
import { readDeviations } from "./trace_deviations.ts";
import { runTraces, type TraceOptions } from "./traces.ts";

const DATA = new URL("data/traces/", import.meta.url).pathname;
const DEVIATIONS = new URL("deviations.json", import.meta.url).pathname;

async function withFile<T>(file: unknown, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, JSON.stringify(file));
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

async function read(name: string) {
  return JSON.parse(await Deno.readTextFile(`${DATA}${name}.json`));
}

const run = (file: unknown, options?: TraceOptions) => withFile(file, (path) => runTraces(path, options));

for (
  const [name, passed] of [
    ["etcd", 160],
    ["magpie", 75],
    ["mysql-innodb-cluster", 190],
    ["async-replication", 33],
  ] as const
) {
  Deno.test(`traces of ${name}: every step passes or is a listed deviation`, async () => {
    const file = await read(name);
    const result = await runTraces(`${DATA}${name}.json`);
    assertEquals(result.failed, []);
    assertEquals(result.passed + result.deviating, file.counts.steps);
    assert(result.passed >= passed, `only ${result.passed} steps passed`);
  });
}

Deno.test("every deviation has its oddity in the traces' README, or is our own", async () => {
  const readme = await Deno.readTextFile(`${DATA}README.md`);
  for (const [id, { also }] of Object.entries(await readDeviations(DEVIATIONS))) {
    if (id.startsWith("CHARMLET-")) assert(also, `${id} says in which steps it holds`);
    else assertStringIncludes(readme, `| ${id} |`);
  }
});

Deno.test("without deviations, exactly the steps that differ fail, and all that follow from them", async () => {
  const { failed } = await run(await read("magpie"), { deviations: {} });
  const steps = failed.map(({ id }) => id);
  assert(steps.includes("magpie-advertise step 1 (magpie-relation-joined)"), steps.join("\n"));
  assert(!steps.some((id) => id.startsWith("magpie-cidr") || id.startsWith("magpie-join-two")), steps.join("\n"));
});

Deno.test("a wrong value in a trace is reported with case and step", async () => {
  const file = await read("mysql-innodb-cluster");
  const [formation] = file.cases;
  formation.steps[5].expect.flags = [];
  formation.steps[10].expect.databag["cluster:0"]["unit-configure-ready"] = "True";
  formation.steps[12].expect.calls[0] = { error: "KeyError" };
  formation.steps[14].expect.exit = 1;
  formation.steps[15].expect.getters.all_joined_units[0].received["unit-clustered"] = false;
  const { failed } = await run({ ...file, cases: [formation] });
  assertEquals(failed.map(({ id }) => id), [
    "innodb-formation-3 step 5 (cluster-relation-joined)",
    "innodb-formation-3 step 10 (cluster-relation-changed)",
    "innodb-formation-3 step 12 (cluster-relation-changed)",
    "innodb-formation-3 step 14 (cluster-relation-changed)",
    "innodb-formation-3 step 15 (update-status)",
  ]);
  assertMatch(failed[0]!.expected, /^flags \[\]$/);
  assertMatch(failed[0]!.got, /cluster\.connected/);
});

Deno.test("a deviation explains nothing but what it is about", async () => {
  const file = await read("magpie");
  const advertise = file.cases.find(({ id }: { id: string }) => id === "magpie-advertise");
  advertise.steps[1].expect.flags = ["magpie.departed"];
  const { failed } = await run({ ...file, cases: [advertise] });
  assertEquals(failed.map(({ id }) => id), [
    "magpie-advertise step 1 (magpie-relation-joined)",
  ]);
  assertMatch(failed[0]!.got, /^flags/);
});

const HEADER = {
  charm: { name: "db", relations: { peers: { cluster: { interface: "mysql-innodb-cluster" } } } },
  unit: "db/0",
  leader: true,
  config: {},
  network: { cluster: "10.0.0.1" },
  private_address: "10.9.9.9",
  host_interfaces: {},
};
const BAG = { "ingress-address": "10.0.0.1", "private-address": "10.0.0.1" };

function model(own: Record<string, string>, units: Record<string, Record<string, string>>) {
  return {
    relations: {
      "cluster:0": { endpoint: "cluster", app: "db", members: Object.keys(units), data: { "db/0": own, ...units } },
    },
  };
}

Deno.test("state lasts, is lost on demand and with a failed hook; the context changes", async () => {
  const env = { JUJU_RELATION_ID: "cluster:0", JUJU_REMOTE_UNIT: "db/1", JUJU_REMOTE_APP: "db" };
  const moved = { "ingress-address": "10.9.9.9", "private-address": "10.9.9.9" };
  const connected = ["cluster.connected"];
  const one = { "db/1": {} };
  const call = { via: { flag: "cluster.connected" }, method: "set_unit_clustered", args: [] };
  const steps = [
    {
      hook: "cluster-relation-joined",
      env,
      model: model(BAG, one),
      charm_raises: true,
      calls: [call],
      expect: { exit: 1, flags: [], databag: { "cluster:0": BAG }, calls: [{ result: null }] },
    },
    {
      hook: "cluster-relation-joined",
      env,
      model: model(BAG, one),
      expect: { exit: 0, flags: connected, databag: { "cluster:0": BAG }, getters: { ingress_address: "10.0.0.1" } },
    },
    {
      hook: "config-changed",
      context: { network: {} },
      model: model(BAG, one),
      expect: { exit: 0, flags: connected, databag: { "cluster:0": moved }, getters: { ingress_address: "10.9.9.9" } },
    },
    {
      hook: "update-status",
      model: { relations: {} },
      calls: [call],
      state_reset_before: true,
      expect: { exit: 0, flags: [], databag: {}, calls: [{ no_endpoint: true }] },
    },
    { hook: "no-such-hook", model: { relations: {} }, expect: { exit: 0, flags: [], databag: {} } },
  ];
  const file = {
    format: "juju-golden-trace/1",
    kind: "hook-sequences",
    interface: "mysql-innodb-cluster",
    cases: [{ ...HEADER, id: "own", steps }],
  };
  const { passed, deviating, failed } = await run(file);
  assertEquals([passed, deviating], [4, 0], JSON.stringify(failed));
  assertEquals(failed.map(({ id, got }) => [id, got]), [
    ["own step 4 (no-such-hook)", "the step cannot be run: no-such-hook is no hook of the charm"],
  ]);
});

Deno.test("libraries and interfaces that this build does not have are skipped and said to be", async () => {
  const events = await run({ ...await read("async-replication"), interface: "kafka" });
  assertEquals([events.passed, events.skipped, events.failed.length], [0, 44, 0]);
  assertEquals(events.note, "no implementation of kafka in this build");
  const charm = { name: "x", relations: { requires: { a: { interface: "nfs" } } } };
  const cases = [{ ...HEADER, id: "other", charm, steps: [] }];
  const other = await run({ format: "juju-golden-trace/1", kind: "hook-sequences", interface: "nfs", cases });
  assertEquals([other.skipped, other.note], [1, "no implementation of nfs (requires) in this build"]);
});

Deno.test("a file of another format is refused, and so is an incomplete deviation", async () => {
  await assertRejects(() => run({ format: "juju-golden-trace/2" }), TypeError, "juju-golden-trace/1");
  await assertRejects(() => run({ format: "juju-golden-trace/1", kind: "x" }), TypeError, '"x" is not known');
  const incomplete = { "ETCD-5": { reason: "", instead: "x", differs: ["flags"] } };
  await assertRejects(() => withFile(incomplete, readDeviations), TypeError, "needs reason");
  const unknown = { "X-1": { reason: "x", instead: "x", differs: ["flags"], also: "moon" } };
  await assertRejects(() => withFile(unknown, readDeviations), TypeError, "moon");
});

Deno.test("the command line: exit status, failing ids and the last line", async () => {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  assertEquals(await main(["--traces", DATA], print), 0);
  assertMatch(lines.at(-2) ?? "", /^\d+ deviating$/);
  assertMatch(lines.at(-1) ?? "", /^\d+ passed, 0 failed$/);
  assertEquals(await main(["--nonsense"], print), 2);
  assertEquals(await main(["--traces", `${DATA}none`], print), 2);
  assertMatch(lines.at(-1) ?? "", /^usage: /);
  const file = await read("etcd");
  file.cases = [file.cases[0]];
  file.cases[0].steps[1].expect.flags = [];
  assertEquals(await withFile(file, (path) => main(["--traces", path], print)), 1);
  assertEquals(lines.at(-1), `${file.cases[0].steps.length - 1} passed, 1 failed`);
  assert(lines.some((line) => line.startsWith("FAILED etcd-peers-lifecycle step 1 (cluster-relation-joined)")));
});

Deno.test("the command line: files that cannot be used are named, and so is what is wrong", async () => {
  const refused = async (option: string, file: unknown) => {
    const lines: string[] = [];
    assertEquals(await withFile(file, (path) => main([`--${option}`, path], (line) => void lines.push(line))), 2);
    return lines.at(-2) ?? "";
  };
  const traces = { format: "juju-golden-trace/1", kind: "hook-sequences", interface: "etcd" };
  assertMatch(await refused("traces", null), /\.json: the format is not juju-golden-trace\/1$/);
  assertMatch(
    await refused("traces", { ...traces, cases: [{ id: "x", steps: [{}] }] }),
    /\.json: case x is not complete$/,
  );
  assertMatch(
    await refused("vectors", { cases: [{ calls: [{ client_to_server_hex: "f" }] }] }),
    /case 0 is not complete$/,
  );
  assertMatch(await refused("hook-commands", {}), /\.json holds no hook commands/);
  assertEquals(await refused("hook-commands", { cases: [] }), "there are no cases to run");
  const lines: string[] = [];
  assertEquals(await main(["--vectors", DATA], (line) => void lines.push(line)), 2);
  assertStringIncludes(lines[0] ?? "", DATA.slice(0, -1));
});
