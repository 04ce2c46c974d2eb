import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import type { CharmMetadata } from "../../hooks/charm/metadata.ts";
import {
  checkAction,
  checkConfig,
  checkDeploy,
  checkUpgrade,
  existingRelation,
  findUnit,
  ModelError,
  resolveRelation,
} from "../model/checker.ts";
import { hookEnvironment, type Subject } from "../model/environment.ts";
import { createFaultPlan, type Fault, faultsOfRun, strikes } from "../model/faults.ts";
import { newLocalState } from "../model/local_state.ts";
import { drive, mulberry32, shuffle } from "../model/scheduler.ts";
import type { WorldState } from "../model/state.ts";
import { formatStatus } from "../model/timeline.ts";
import {
  addApplication,
  addRelation,
  addUnit,
  changeCharm,
  createWorld,
  destroyApplication,
  enterRelations,
  reconcile,
  removeUnit,
} from "../model/world.ts";

const DB: CharmMetadata = {
  name: "db",
  summary: "",
  subordinate: false,
  endpoints: [
    { name: "cluster", role: "peers", interface: "db-peers", scope: "global" },
    { name: "server", role: "provides", interface: "sql", scope: "global" },
    { name: "admin", role: "provides", interface: "sql-admin", scope: "global" },
  ],
  storages: ["data", "logs"],
  containers: [],
  config: {
    color: { name: "color", type: "string", default: "red", description: "" },
    size: { name: "size", type: "int", description: "" },
    key: { name: "key", type: "secret", description: "" },
  },
  actions: {
    dump: {
      name: "dump",
      description: "",
      params: { path: { type: "string" }, level: { type: "integer", default: 3 } },
      required: ["path"],
      additionalProperties: false,
    },
  },
};
const APP: CharmMetadata = {
  ...DB,
  name: "app",
  endpoints: [
    { name: "database", role: "requires", interface: "sql", scope: "global" },
    { name: "spare", role: "requires", interface: "sql", scope: "global" },
    { name: "web", role: "provides", interface: "http", scope: "global" },
  ],
  storages: [],
};

function deploy(world: WorldState, charm: CharmMetadata, units: number, name = charm.name): void {
  const app = addApplication(world, { name, charm, charmSource: "/charm", config: {}, model: "default" });
  for (let number = 0; number < units; number++) {
    const address = `10.0.0.${Object.keys(world.units).length + 1}`;
    addUnit(world, app, { machine: String(number), address, storageRoot: "/storage" });
  }
}

function example(): WorldState {
  const world = createWorld("3.6.8");
  deploy(world, DB, 2);
  deploy(world, APP, 1);
  return world;
}

Deno.test("impossible operations are refused with a reason", () => {
  const world = example();
  const refused: [() => unknown, string][] = [
    [() => checkDeploy(world, "Db", DB, 1), 'invalid application name "Db"'],
    [() => checkDeploy(world, "db", DB, 1), 'application "db" already exists'],
    [() => checkDeploy(world, "x", { ...DB, subordinate: true }, 1), "is a subordinate"],
    [() => checkDeploy(world, "x", DB, -1), "invalid number of units -1"],
    [() => findUnit(world, "db/7"), 'unit "db/7" not found: db has db/0, db/1'],
    [() => findUnit(world, "nobody/0"), 'application "nobody" not found: deploy it first'],
    [() => resolveRelation(world, ["app:nothing", "db"]), 'has no "nothing" endpoint: it has database, spare, web'],
    [() => resolveRelation(world, ["app:a:b", "db"]), 'invalid endpoint "app:a:b"'],
    [() => resolveRelation(world, ["app:database", "db:admin"]), '"app:database" is sql, "db:admin" is sql-admin'],
    [() => resolveRelation(world, ["app:web", "db:cluster"]), "a peer endpoint cannot be related to another"],
    [() => resolveRelation(world, ["app", "db"]), "ambiguous relation"],
    [() => resolveRelation(world, ["db:cluster", "db:server"]), "peer relations are made by deploy"],
    [() => existingRelation(world, ["app:database", "db:server"]), "not found"],
    [() => checkConfig(DB, { colour: "red" }), 'unknown option "colour" of charm "db"'],
    [() => checkConfig(DB, { size: "big" }), 'option "size" expected int, got "big"'],
    [() => checkConfig(DB, { key: "hunter2" }), 'option "key" expected secret'],
    [() => checkAction(DB, "dance", {}), 'action "dance" not defined on charm "db"'],
    [() => checkAction(DB, "dump", {}), 'action "dump" requires parameter "path"'],
    [() => checkAction(DB, "dump", { path: "/x", level: 1.5 }), 'parameter "level" of action "dump" must be integer'],
    [() => checkAction(DB, "dump", { path: "/x", other: 1 }), 'action "dump" has no parameter "other"'],
  ];
  for (const [operation, reason] of refused) assertThrows(operation, ModelError, reason);
  assertEquals(checkAction(DB, "dump", { path: "/x" }), { path: "/x", level: 3 });
  assertEquals(checkConfig(DB, { color: null, size: null, key: "" }), { color: "red", size: null, key: "" });
});

Deno.test("a relation is made once, is found in either order, and is not broken by an upgrade", () => {
  const world = example();
  const sides = resolveRelation(world, ["app:database", "db:server"]);
  const relation = addRelation(world, sides);
  assertThrows(() => resolveRelation(world, ["db:server", "app:database"]), ModelError, "already exists");
  assertEquals(existingRelation(world, ["db:server", "app:database"]).id, relation.id);
  const db = world.applications.db;
  assert(db);
  const smaller = { ...DB, endpoints: DB.endpoints.filter((endpoint) => endpoint.name !== "server") };
  assertThrows(() => checkUpgrade(world, db, smaller), ModelError, "would break relation");
  checkUpgrade(world, db, DB);
});

Deno.test("units get storage with numbers of their own, and addresses in their bags when they enter", () => {
  const world = example();
  const storage = Object.values(world.units).flatMap((unit) => unit.storage.map((item) => item.id));
  assertEquals(storage, ["data/0", "logs/1", "data/2", "logs/3"]);
  const unit = findUnit(world, "db/1");
  enterRelations(world, unit);
  assertEquals(world.relations[0]?.members, ["db/1"]);
  assertEquals(world.relations[0]?.unitBags, {
    "db/1": { "ingress-address": "10.0.0.2", "private-address": "10.0.0.2", "egress-subnets": "10.0.0.2/32" },
  });
  const before = structuredClone(world.relations);
  enterRelations(world, unit);
  assertEquals(world.relations, before);
});

Deno.test("a new charm keeps option values of the same type and brings its peers", () => {
  const world = example();
  const app = world.applications.app;
  assert(app);
  app.config = { ...app.config, color: "blue", size: 4 };
  const size = { name: "size", type: "string", default: "large", description: "" } as const;
  const peers = { name: "cluster", role: "peers", interface: "p", scope: "global" } as const;
  changeCharm(world, app, { ...APP, config: { ...APP.config, size }, endpoints: [...APP.endpoints, peers] }, "/new");
  assertEquals(app.config, { color: "blue", size: "large", key: null });
  assertEquals([app.charmRevision, app.charmSource], [1, "/new"]);
  assertEquals(world.relations[1]?.sides, [{ app: "app", endpoint: peers }]);
});

Deno.test("relations and applications go when the last unit is out of them", () => {
  const world = example();
  const relation = addRelation(world, resolveRelation(world, ["app:database", "db:server"]));
  const [app, local] = [world.applications.app, newLocalState(0)];
  assert(app);
  const locals = new Map([["db/0", local]]);
  local.relations[relation.id] = { members: {}, appVersions: {}, changedPending: "", broken: false };
  world.secrets.s = {
    ...{ id: "s", owner: "app", label: "", description: "", rotation: "never", revisions: [], consumers: {} },
    grants: [{ grantee: "db", relationId: relation.id }],
  };
  const first = (candidates: readonly string[]) => candidates[0];
  reconcile(world, locals, first);
  assertEquals([world.applications.db?.leader, app.leader], ["db/0", "app/0"]);
  destroyApplication(world, app);
  removeUnit(world, findUnit(world, "app/0"));
  reconcile(world, locals, first);
  assertEquals([world.relations[relation.id]?.life, world.applications.app?.life], ["dying", "dying"]);
  local.relations[relation.id] = { members: {}, appVersions: {}, changedPending: "", broken: true };
  reconcile(world, locals, first);
  assertEquals([world.relations[relation.id], world.applications.app, world.secrets], [undefined, undefined, {}]);
  assertEquals(Object.keys(world.units), ["db/0", "db/1"]);
});

Deno.test("each kind of hook has its variables", () => {
  const world = example();
  const variables = (subject: Subject): Record<string, string> => {
    const options = { unit: "db/0", contextId: "", charmDir: "", toolsDir: "", socketAddress: "" };
    const plain = hookEnvironment(world, { ...options, subject: { kind: "exec", relationId: null, remoteUnit: "" } });
    const env = hookEnvironment(world, { ...options, subject });
    return Object.fromEntries(Object.entries(env).filter(([name, value]) => plain[name] !== value));
  };
  const hook = (name: string) => ({ JUJU_DISPATCH_PATH: `hooks/${name}`, JUJU_HOOK_NAME: name });
  const departed = { kind: "relation-departed", name: "cluster-relation-departed", relationId: 0, version: 1 } as const;
  const units = { remoteUnit: "db/1", remoteApp: "db", departingUnit: "db/0" };
  assertEquals(variables({ kind: "hook", hook: { ...departed, ...units } }), {
    ...hook("cluster-relation-departed"),
    JUJU_RELATION: "cluster",
    JUJU_RELATION_ID: "cluster:0",
    JUJU_REMOTE_UNIT: "db/1",
    JUJU_REMOTE_APP: "db",
    JUJU_DEPARTING_UNIT: "db/0",
  });
  const attached = { kind: "storage-attached", name: "data-storage-attached", storageId: "data/0" } as const;
  assertEquals(variables({ kind: "hook", hook: attached }), {
    ...hook("data-storage-attached"),
    JUJU_STORAGE_ID: "data/0",
    JUJU_STORAGE_LOCATION: "/storage/data/0",
    JUJU_STORAGE_KIND: "filesystem",
  });
  const secret = { secretId: "9m4e2mr0ui3e8a215n4g", label: "pw", revision: 2 };
  assertEquals(variables({ kind: "hook", hook: { kind: "secret-remove", name: "secret-remove", ...secret } }), {
    ...hook("secret-remove"),
    JUJU_SECRET_ID: "secret:9m4e2mr0ui3e8a215n4g",
    JUJU_SECRET_LABEL: "pw",
    JUJU_SECRET_REVISION: "2",
  });
  const changed = variables({ kind: "hook", hook: { kind: "secret-changed", name: "secret-changed", ...secret } });
  assertEquals(changed.JUJU_SECRET_REVISION, undefined);
  const check = {
    kind: "pebble-check-failed",
    name: "web-pebble-check-failed",
    container: "web",
    checkName: "up",
  } as const;
  assertEquals(variables({ kind: "hook", hook: check }), {
    ...hook("web-pebble-check-failed"),
    JUJU_WORKLOAD_NAME: "web",
    JUJU_PEBBLE_CHECK_NAME: "up",
  });
  assertEquals(variables({ kind: "action", name: "dump", id: "42" }), {
    JUJU_DISPATCH_PATH: "actions/dump",
    JUJU_ACTION_NAME: "dump",
    JUJU_ACTION_UUID: "42",
    JUJU_ACTION_TAG: "action-42",
  });
});

Deno.test("a fault strikes in the run and at the moment that it names", () => {
  const kill: Fault = { unit: "db/0", hook: "start", occurrence: 2, at: { command: 3, when: "after" }, do: "kill" };
  const plan = createFaultPlan([kill]);
  assertEquals(faultsOfRun(plan, "db/1", "start"), []);
  assertEquals(faultsOfRun(plan, "db/0", "start"), []);
  const faults = faultsOfRun(plan, "db/0", "start");
  assertEquals(faults, [kill]);
  assertEquals(strikes(faults, { command: 3, when: "before" }), []);
  assertEquals(strikes(faults, { command: 3, when: "after" }), ["kill"]);
  assertEquals(strikes(faults, "before-commit"), []);
  assertThrows(() => createFaultPlan([{ at: "before-commit", do: "garbage" }]), RangeError, "needs a hook command");
  assertThrows(() => createFaultPlan([{ at: { command: 0, when: "before" }, do: "kill" }]), RangeError, "from 1");
  assertThrows(() => createFaultPlan([{ occurrence: 0, at: "after-commit", do: "kill" }]), RangeError, "from 1");
});

Deno.test("a seed gives one order; another seed gives another", () => {
  const order = (seed: number) => shuffle([1, 2, 3, 4, 5, 6, 7, 8, 9], mulberry32(seed));
  assertEquals(order(3), order(3));
  assertNotEquals(order(3), order(4));
  assertEquals(order(3).sort(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("turns respect machines and concurrency, and an error ends the drive after those under way", async () => {
  const left = new Map([["a", 2], ["b", 2], ["c", 2]]);
  const machines: Readonly<Record<string, string>> = { a: "0", b: "0", c: "1" };
  const [running, done, most] = [new Set<string>(), [] as string[], { count: 0 }];
  const players = () => [...left.keys()].map((name) => ({ name, machine: machines[name] ?? "" }));
  const due = (name: string) => (left.get(name) ?? 0) > 0 ? "work" : null;
  const perform = async ({ name }: { readonly name: string }): Promise<void> => {
    running.add(name);
    most.count = Math.max(most.count, running.size);
    assert(!(running.has("a") && running.has("b")), "a and b share a machine");
    left.set(name, (left.get(name) ?? 0) - 1);
    await Promise.resolve();
    running.delete(name);
    done.push(name);
    if (name === "c" && left.get("c") === 0) throw new Error("c broke");
  };
  await assertRejects(() => drive({ concurrency: 3, random: undefined, players, due, perform }), Error, "c broke");
  assertEquals([most.count, running.size], [2, 0]);
  assertEquals(done.slice(0, 2).sort(), ["a", "c"]);
});

Deno.test("the status reads like juju status", () => {
  const world = example();
  const [db, unit] = [world.applications.db, findUnit(world, "db/0")];
  assert(db);
  db.leader = "db/0";
  unit.status = { status: "active", message: "ready", since: 0 };
  unit.ports = [["", "5432/tcp"], ["server", "5432/tcp"]];
  findUnit(world, "db/1").agentStatus = { status: "error", message: 'hook failed: "start"', since: 0 };
  const lines = formatStatus(world).split("\n");
  assertEquals(lines.slice(0, 6), [
    "Model    Version  Timestamp",
    "default  3.6.8    2026-01-01T00:00:00Z",
    "",
    "App  Version  Status   Scale  Charm  Rev  Message",
    "app           waiting  1      app    0    installing agent",
    'db            error    2      db     0    hook failed: "start"',
  ]);
  assertEquals(lines.slice(7, 11), [
    "Unit   Workload  Agent       Machine  Address   Ports     Message",
    "app/0  waiting   allocating  0        10.0.0.3            installing agent",
    "db/0*  active    allocating  0        10.0.0.1  5432/tcp  ready",
    'db/1   error     idle        1        10.0.0.2            hook failed: "start"',
  ]);
});
