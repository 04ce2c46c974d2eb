import { assertEquals } from "@std/assert";
import { plainHook } from "../model/local_state.ts";
import { markRotated, planRotations } from "../model/secret_resolver.ts";
import type { SecretState } from "../model/state.ts";
import { destroyApplication, destroyUnit } from "../model/world.ts";
import { APP, Bench, DB, related } from "./model_without_processes.ts";

Deno.test("a new unit goes from storage to start, leadership before configuration", () => {
  const bench = new Bench();
  bench.deploy(DB, 2);
  assertEquals(bench.drain("db/0"), [
    "data-storage-attached",
    "install",
    "cluster-relation-created db",
    "accept-leadership",
    "leader-elected",
    "config-changed",
    "start",
  ]);
  assertEquals(bench.drain("db/1"), [
    "data-storage-attached",
    "install",
    "cluster-relation-created db",
    "config-changed",
    "start",
    "cluster-relation-joined db/0",
    "cluster-relation-changed db/0",
  ]);
});

Deno.test("joined is followed by changed for the same unit, whatever else changed in that relation", () => {
  const { bench, relation } = related();
  bench.settle();
  bench.addUnit("db");
  bench.settle();
  bench.addUnit("db");
  while (!bench.step("db/3")?.startsWith("cluster-relation-created")) continue;
  assertEquals(bench.step("app/0"), "database-relation-joined db/3");
  relation.versions["db/0"] = 5;
  relation.versions.db = 1;
  destroyUnit(bench.world, bench.unit("db/1"));
  assertEquals(bench.drain("app/0"), [
    "database-relation-changed db/3",
    "database-relation-departed db/1 (db/1)",
    "database-relation-changed db",
    "database-relation-changed db/0",
  ]);
});

Deno.test("several commits are one changed hook; a bag that nobody wrote has none", () => {
  const { bench, relation } = related();
  bench.settle();
  assertEquals(bench.local("app/0").relations[relation.id]?.appVersions, {});
  relation.versions["db/0"] = 9;
  relation.versions["db/1"] = 9;
  relation.versions.app = 3;
  assertEquals(bench.drain("app/0"), ["database-relation-changed db/0", "database-relation-changed db/1"]);
  assertEquals(bench.drain("db/1"), ["server-relation-changed app"]);
});

Deno.test("every unit learns about its application's peer bag, the leader that wrote it too", () => {
  const bench = new Bench();
  bench.deploy(DB, 2);
  bench.settle();
  const [peers] = Object.values(bench.world.relations);
  if (peers) peers.versions.db = 1;
  assertEquals(bench.drain("db/0"), ["cluster-relation-changed db"]);
  assertEquals(bench.drain("db/1"), ["cluster-relation-changed db"]);
});

Deno.test("relations of a unit are looked at in the order that is chosen", () => {
  const { bench } = related();
  bench.settle();
  for (const relation of Object.values(bench.world.relations)) {
    for (const name of relation.members) relation.versions[name] = 7;
  }
  const choices = { relationOrder: (ids: readonly number[]) => [...ids].reverse() };
  assertEquals(bench.drain("db/0", choices), ["server-relation-changed app/0", "cluster-relation-changed db/1"]);
});

Deno.test("a relation with container scope has only the units of the same machine", () => {
  const { bench, relation } = related();
  for (const side of relation.sides) side.endpoint = { ...side.endpoint, scope: "container" };
  bench.unit("app/0").machine = bench.unit("db/1").machine;
  bench.settle();
  assertEquals(Object.keys(bench.local("app/0").relations[relation.id]?.members ?? {}), ["db/1"]);
  assertEquals(bench.local("db/0").relations[relation.id]?.members, {});
});

Deno.test("a removed relation: departed for every member, then broken", () => {
  const { bench, relation } = related();
  bench.settle();
  relation.life = "dying";
  assertEquals(bench.drain("app/0"), [
    "database-relation-departed db/0 (db/0)",
    "database-relation-departed db/1 (db/1)",
    "database-relation-broken db",
  ]);
  assertEquals(bench.drain("db/1"), ["server-relation-departed app/0 (app/0)", "server-relation-broken app"]);
});

Deno.test("a dying unit leads no more, departs from everyone under its own name, and peers are never broken", () => {
  const { bench } = related();
  bench.settle();
  destroyUnit(bench.world, bench.unit("db/0"));
  assertEquals(bench.drain("db/0"), [
    "resign-leadership",
    "data-storage-detaching",
    "cluster-relation-departed db/1 (db/0)",
    "server-relation-departed app/0 (db/0)",
    "server-relation-broken app",
    "stop",
    "remove",
    "die",
  ]);
  assertEquals(bench.drain("db/1"), ["cluster-relation-departed db/0 (db/0)"]);
});

Deno.test("a unit that dies before it was installed runs nothing", () => {
  const bench = new Bench();
  bench.deploy(APP, 1);
  destroyUnit(bench.world, bench.unit("app/0"));
  assertEquals(bench.drain("app/0"), ["die"]);
});

Deno.test("a removed application departs under its units' names", () => {
  const { bench } = related();
  bench.settle();
  const app = bench.world.applications.app;
  if (app) destroyApplication(bench.world, app);
  assertEquals(bench.drain("app/0").slice(0, 4), [
    "resign-leadership",
    "database-relation-departed db/0 (app/0)",
    "database-relation-departed db/1 (app/0)",
    "database-relation-broken db",
  ]);
  assertEquals(bench.drain("db/0"), ["server-relation-departed app/0 (app/0)", "server-relation-broken app"]);
});

Deno.test("while a hook is in error only actions and juju-exec run; then the same hook comes first", () => {
  const { bench, relation } = related();
  bench.settle();
  const local = bench.local("app/0");
  local.failed = plainHook("config-changed", "old");
  local.attempts = 1;
  relation.versions["db/0"] = 7;
  assertEquals(bench.next("app/0"), null);
  const task = { id: "4", unit: "app/0", name: "a", params: {}, message: "", results: {}, log: [] };
  bench.world.actions["4"] = { ...task, status: "pending" };
  local.exec.push({ id: 9, script: "", relationId: null, remoteUnit: "" });
  assertEquals(bench.next("app/0"), { kind: "action", id: "4" });
  bench.world.actions["4"] = { ...task, status: "completed" };
  assertEquals(bench.next("app/0"), { kind: "exec", id: 9 });
  local.exec = [];
  local.retry = true;
  assertEquals(bench.drain("app/0"), ["config-changed", "database-relation-changed db/0"]);
});

Deno.test("a queued hook comes before relations, leadership and actions", () => {
  const { bench, relation } = related();
  bench.settle();
  const local = bench.local("db/1");
  local.queued = plainHook("start");
  relation.versions["app/0"] = 7;
  const app = bench.world.applications.db;
  if (app) app.leader = "db/1";
  assertEquals(bench.drain("db/1"), ["start", "accept-leadership", "leader-elected", "server-relation-changed app/0"]);
});

Deno.test("leader-settings-changed runs on followers, up to Juju 3.6", () => {
  for (const [version, runs] of [["3.6.8", ["leader-settings-changed"]], ["4.0.1", []]] as const) {
    const { bench } = related(version);
    bench.settle();
    const app = bench.world.applications.db;
    if (app) app.leaderSettings = { key: "value" };
    assertEquals([bench.drain("db/0"), bench.drain("db/1")], [[], [...runs]]);
  }
});

Deno.test("upgrade comes before a change of configuration, update-status after everything", () => {
  const { bench, relation } = related();
  bench.settle();
  const app = bench.world.applications.app;
  if (app) app.config = { color: "blue" };
  relation.versions["db/0"] = 7;
  bench.local("app/0").updateStatusWanted++;
  assertEquals(bench.drain("app/0"), ["config-changed", "database-relation-changed db/0", "update-status"]);
  if (app) app.charmRevision++;
  if (app) app.config = { color: "green" };
  assertEquals(bench.next("app/0"), { kind: "upgrade" });
});

Deno.test("a container's events run once, in order, before the rest", () => {
  const { bench } = related();
  bench.settle();
  const local = bench.local("app/0");
  local.updateStatusWanted++;
  local.workload.push(
    { kind: "pebble-ready", name: "web-pebble-ready", container: "web" },
    { kind: "pebble-check-failed", name: "web-pebble-check-failed", container: "web", checkName: "up" },
  );
  assertEquals(bench.drain("app/0"), ["web-pebble-ready", "web-pebble-check-failed", "update-status"]);
});

Deno.test("secrets: expired, rotate, changed and remove, each to whom it concerns", () => {
  const { bench } = related();
  bench.settle();
  const { world } = bench;
  const secret: SecretState = {
    id: "9m4e2mr0ui3e8a215n4g",
    owner: "db",
    label: "mine",
    description: "",
    rotation: "hourly",
    revisions: [{ revision: 1, content: {}, expiry: new Date(world.now + 60_000).toISOString() }, {
      revision: 2,
      content: {},
    }],
    grants: [],
    consumers: { "app/0": { revision: 1, label: "theirs" } },
  };
  world.secrets[secret.id] = secret;
  planRotations(world);
  assertEquals(bench.next("app/0"), {
    kind: "hook",
    hook: { kind: "secret-changed", name: "secret-changed", secretId: secret.id, label: "theirs", revision: 2 },
  });
  assertEquals([bench.drain("app/0"), bench.drain("db/0"), bench.drain("db/1")], [["secret-changed"], [], []]);
  world.now += 3_600_000;
  assertEquals(bench.step("db/0"), "secret-expired");
  assertEquals(bench.step("db/0"), "secret-rotate");
  markRotated(world, secret.id);
  assertEquals(bench.drain("db/0"), []);
  secret.consumers["app/0"] = { revision: 2, label: "theirs" };
  assertEquals([bench.drain("app/0"), bench.drain("db/0"), bench.drain("db/1")], [[], ["secret-remove"], []]);
});
