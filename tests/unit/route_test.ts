/** From the name and the variables to an event. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { CharmMetadata, Role } from "../../hooks/charm/metadata.ts";
import { hookNames } from "../../hooks/charm/names.ts";
import { EnvironmentError } from "../../hooks/errors.ts";
import { readJujuEnvironment } from "../../hooks/juju/environment.ts";
import { invocationOf, route, toEvent } from "../../hooks/route.ts";

type Variables = Readonly<Record<string, string>>;

function endpoint(name: string, role: Role) {
  return { name, role, interface: "x", scope: "global" } as const;
}

const DB = endpoint("db", "requires");
const X_RELATION = endpoint("x-relation", "provides");
const MIMIC = endpoint("db-relation-joined", "provides");
const PEERS = endpoint("cluster", "peers");
const CHARM: CharmMetadata = {
  name: "app",
  summary: "",
  subordinate: false,
  endpoints: [DB, X_RELATION, MIMIC, PEERS],
  storages: ["data-storage"],
  containers: ["a-pebble"],
  config: {},
  actions: {},
};

const hook = (name: string) => ({ kind: "hook", name } as const);
const action = (name: string) => ({ kind: "action", name } as const);
const cli = { kind: "cli" } as const;

const ROUTES: readonly (readonly [string, readonly string[], Variables, unknown])[] = [
  // JUJU_DISPATCH_PATH wins, however the executable is called.
  ["/c/dispatch", [], { JUJU_DISPATCH_PATH: "hooks/install" }, hook("install")],
  ["/c/hooks/start", [], { JUJU_DISPATCH_PATH: "hooks/install", JUJU_HOOK_NAME: "stop" }, hook("install")],
  ["./hooks/start", [], { JUJU_DISPATCH_PATH: "hooks/x-relation-relation-joined" }, hook("x-relation-relation-joined")],
  ["/c/bin/charmlet", [], { JUJU_DISPATCH_PATH: "actions/backup" }, action("backup")],
  ["charmlet", [], { JUJU_DISPATCH_PATH: "hooks/from-the-future" }, hook("from-the-future")],
  ["/c/hooks/install", [], { JUJU_DISPATCH_PATH: "actions/backup", JUJU_ACTION_NAME: "x" }, action("backup")],
  // The last two elements of argv[0].
  ["/c/hooks/install", [], {}, hook("install")],
  ["hooks/db-relation-changed", [], {}, hook("db-relation-changed")],
  ["./hooks/data-storage-storage-attached", [], {}, hook("data-storage-storage-attached")],
  ["/c/hooks/install", [], { JUJU_HOOK_NAME: "start" }, hook("install")],
  ["/c/actions/backup", [], {}, action("backup")],
  ["/c/actions/install", [], {}, action("install")],
  ["/hooks/x/install", [], {}, cli],
  ["/c/hooks/charmlet", [], {}, cli],
  ["hooks/", [], {}, cli],
  ["actions/", [], {}, cli],
  ["", [], {}, cli],
  // The other variables.
  ["/c/bin/charmlet", [], { JUJU_HOOK_NAME: "start" }, hook("start")],
  ["/c/hooks/from-the-future", [], { JUJU_HOOK_NAME: "from-the-future" }, hook("from-the-future")],
  ["/c/dispatch", [], { JUJU_HOOK_NAME: "start" }, hook("start")],
  ["/c/dispatch", [], { JUJU_ACTION_NAME: "backup", JUJU_HOOK_NAME: "" }, action("backup")],
  ["/c/bin/charmlet", [], { JUJU_CONTEXT_ID: "app/0-run-commands-1" }, cli],
  ["charmlet", [], {}, cli],
  // Arguments: somebody typed them.
  ["charmlet", ["--help"], {}, cli],
  ["hooks/charmlet", ["--flags"], { JUJU_DISPATCH_PATH: "hooks/install", JUJU_HOOK_NAME: "install" }, cli],
  ["./dispatch", ["--dry-run"], { JUJU_DISPATCH_PATH: "hooks/install" }, cli],
  ["./hooks/install", ["--dry-run"], { JUJU_DISPATCH_PATH: "hooks/install" }, cli],
  ["/c/actions/backup", ["a=b"], { JUJU_DISPATCH_PATH: "actions/backup" }, cli],
];

for (const [argv0, args, variables, expected] of ROUTES) {
  Deno.test(`route: ${argv0} ${args.join(" ")} ${JSON.stringify(variables)}`, () => {
    assertEquals<unknown>(route(argv0, args, readJujuEnvironment(variables)), expected);
  });
}

Deno.test("every hook of a charm is routed by its path alone", () => {
  for (const name of [...hookNames(CHARM), "collect-metrics", "meter-status-changed", "pre-series-upgrade"]) {
    assertEquals(route(`/c/hooks/${name}`, [], readJujuEnvironment({})), hook(name));
  }
});

Deno.test("dispatch without a hook, and a malformed JUJU_DISPATCH_PATH, are errors of one line", () => {
  const error = assertThrows(() => route("./dispatch", [], readJujuEnvironment({})), EnvironmentError);
  assertMatch(error.message, /^JUJU_DISPATCH_PATH is not set.*run a hook by its name/);
  for (const path of ["install", "hooks/", "hooks/a/b", "/hooks/a", "bin/x", "hooks/a b", "hooks/a\nb", "x/hooks/a"]) {
    const environment = readJujuEnvironment({ JUJU_DISPATCH_PATH: path });
    const error = assertThrows(
      () => route("dispatch", [], environment),
      EnvironmentError,
      "hooks/NAME or actions/NAME",
    );
    assertEquals(error.message.includes("\n"), false);
  }
});

Deno.test("the environment alone names an invocation, or none", () => {
  const of = (variables: Variables) => invocationOf(readJujuEnvironment(variables));
  assertEquals(of({ JUJU_DISPATCH_PATH: "hooks/start", JUJU_HOOK_NAME: "stop" }), hook("start"));
  assertEquals(of({ JUJU_ACTION_NAME: "a" }), action("a"));
  assertEquals(of({ JUJU_HOOK_NAME: "stop" }), hook("stop"));
  assertEquals(of({ JUJU_CONTEXT_ID: "x" }), undefined);
});

const eventOf = (name: string, variables: Variables = {}) =>
  toEvent(hook(name), readJujuEnvironment({ JUJU_UNIT_NAME: "app/0", ...variables }), CHARM);

const REMOTE = { JUJU_RELATION_ID: "db:7", JUJU_REMOTE_UNIT: "mysql/3", JUJU_REMOTE_APP: "mysql" };

const EVENTS: readonly (readonly [string, Variables, unknown])[] = [
  ...[
    "install",
    "start",
    "config-changed",
    "upgrade-charm",
    "update-status",
    "stop",
    "remove",
    "leader-elected",
    "leader-deposed",
    "leader-settings-changed",
    "collect-metrics",
    "meter-status-changed",
    "post-series-upgrade",
    "pre-series-upgrade",
  ].map((name) => [name, {}, { kind: "lifecycle", name, hook: name }] as const),
  ["pre-series-upgrade", { JUJU_TARGET_BASE: "ubuntu@24.04" }, {
    kind: "lifecycle",
    name: "pre-series-upgrade",
    hook: "pre-series-upgrade",
    targetBase: "ubuntu@24.04",
  }],
  ["db-relation-created", { JUJU_RELATION_ID: "db:7", JUJU_REMOTE_APP: "mysql", JUJU_REMOTE_UNIT: "" }, {
    kind: "relation",
    name: "db-relation-created",
    phase: "created",
    endpoint: DB,
    relationId: 7,
    remoteApp: "mysql",
  }],
  ["db-relation-joined", REMOTE, {
    kind: "relation",
    name: "db-relation-joined",
    phase: "joined",
    endpoint: DB,
    relationId: 7,
    remoteUnit: "mysql/3",
    remoteApp: "mysql",
  }],
  ["db-relation-joined-relation-joined", { ...REMOTE, JUJU_RELATION_ID: "db-relation-joined:0" }, {
    kind: "relation",
    name: "db-relation-joined-relation-joined",
    phase: "joined",
    endpoint: MIMIC,
    relationId: 0,
    remoteUnit: "mysql/3",
    remoteApp: "mysql",
  }],
  ["x-relation-relation-changed", { ...REMOTE, JUJU_RELATION_ID: "x-relation:12" }, {
    kind: "relation",
    name: "x-relation-relation-changed",
    phase: "changed",
    endpoint: X_RELATION,
    relationId: 12,
    remoteUnit: "mysql/3",
    remoteApp: "mysql",
  }],
  ["db-relation-changed", { ...REMOTE, JUJU_REMOTE_UNIT: "" }, {
    kind: "relation",
    name: "db-relation-changed",
    phase: "changed",
    endpoint: DB,
    relationId: 7,
    remoteApp: "mysql",
  }],
  ["db-relation-departed", { ...REMOTE, JUJU_DEPARTING_UNIT: "app/0" }, {
    kind: "relation",
    name: "db-relation-departed",
    phase: "departed",
    endpoint: DB,
    relationId: 7,
    remoteUnit: "mysql/3",
    remoteApp: "mysql",
    departingUnit: "app/0",
  }],
  ["db-relation-broken", { JUJU_RELATION_ID: "db:7", JUJU_REMOTE_UNIT: "", JUJU_REMOTE_APP: "" }, {
    kind: "relation",
    name: "db-relation-broken",
    phase: "broken",
    endpoint: DB,
    relationId: 7,
    remoteApp: "",
  }],
  ["cluster-relation-created", { JUJU_RELATION_ID: "cluster:1" }, {
    kind: "relation",
    name: "cluster-relation-created",
    phase: "created",
    endpoint: PEERS,
    relationId: 1,
    remoteApp: "app",
  }],
  ["db-relation-joined", { JUJU_RELATION_ID: "db:7", JUJU_REMOTE_UNIT: "remote-0f/2" }, {
    kind: "relation",
    name: "db-relation-joined",
    phase: "joined",
    endpoint: DB,
    relationId: 7,
    remoteUnit: "remote-0f/2",
    remoteApp: "remote-0f",
  }],
  ["data-storage-storage-attached", {
    JUJU_STORAGE_ID: "data-storage/0",
    JUJU_STORAGE_LOCATION: "/srv",
    JUJU_STORAGE_KIND: "filesystem",
  }, {
    kind: "storage",
    name: "data-storage-storage-attached",
    phase: "attached",
    storage: "data-storage",
    storageId: "data-storage/0",
    location: "/srv",
    storageKind: "filesystem",
  }],
  ["data-storage-storage-detaching", {}, {
    kind: "storage",
    name: "data-storage-storage-detaching",
    phase: "detaching",
    storage: "data-storage",
  }],
  ["secret-changed", { JUJU_SECRET_ID: "secret://u/abc", JUJU_SECRET_LABEL: "l", JUJU_SECRET_REVISION: "x" }, {
    kind: "secret",
    name: "secret-changed",
    phase: "changed",
    secretId: "secret://u/abc",
    label: "l",
  }],
  ["secret-rotate", { JUJU_SECRET_ID: "secret:abc", JUJU_SECRET_LABEL: "" }, {
    kind: "secret",
    name: "secret-rotate",
    phase: "rotate",
    secretId: "secret:abc",
  }],
  ...(["expired", "remove"] as const).map((phase) =>
    [`secret-${phase}`, { JUJU_SECRET_ID: "secret:abc", JUJU_SECRET_REVISION: "3" }, {
      kind: "secret",
      name: `secret-${phase}`,
      phase,
      secretId: "secret:abc",
      revision: 3,
    }] as const
  ),
  ["a-pebble-pebble-ready", { JUJU_WORKLOAD_NAME: "a-pebble" }, {
    kind: "workload",
    name: "a-pebble-pebble-ready",
    phase: "ready",
    container: "a-pebble",
  }],
  ["a-pebble-pebble-custom-notice", { JUJU_NOTICE_ID: "1", JUJU_NOTICE_TYPE: "custom", JUJU_NOTICE_KEY: "a.b/c" }, {
    kind: "workload",
    name: "a-pebble-pebble-custom-notice",
    phase: "custom-notice",
    container: "a-pebble",
    noticeId: "1",
    noticeType: "custom",
    noticeKey: "a.b/c",
  }],
  ...(["check-failed", "check-recovered"] as const).map((phase) =>
    [`a-pebble-pebble-${phase}`, { JUJU_PEBBLE_CHECK_NAME: "up" }, {
      kind: "workload",
      name: `a-pebble-pebble-${phase}`,
      phase,
      container: "a-pebble",
      checkName: "up",
    }] as const
  ),
];

for (const [name, variables, expected] of EVENTS) {
  Deno.test(`event: ${name} ${JSON.stringify(variables)}`, () => {
    assertEquals<unknown>(eventOf(name, variables), expected);
  });
}

Deno.test("each hook of a charm has an event, and an unknown hook none", () => {
  for (const name of hookNames(CHARM)) {
    const relation = CHARM.endpoints.find((endpoint) => new RegExp(`^${endpoint.name}-relation-[a-z]+$`).test(name));
    const event = eventOf(name, {
      JUJU_RELATION_ID: `${relation?.name}:1`,
      JUJU_REMOTE_UNIT: "other/1",
      JUJU_REMOTE_APP: "other",
      JUJU_SECRET_ID: "secret:a",
      JUJU_SECRET_REVISION: "1",
    });
    assertEquals(event?.name, name);
  }
  for (const name of ["from-the-future", "mysql-relation-joined", "data-storage-attached", "a-pebble-ready"]) {
    assertEquals(eventOf(name), undefined, name);
  }
});

Deno.test("actions have an event whether or not the charm has them", () => {
  const event = (variables: Variables) =>
    toEvent(action("backup"), readJujuEnvironment({ JUJU_UNIT_NAME: "app/0", ...variables }), CHARM);
  assertEquals(event({ JUJU_ACTION_UUID: "42" }), { kind: "action", name: "backup", actionId: "42" });
  assertEquals(event({ JUJU_ACTION_TAG: "action-43" }), { kind: "action", name: "backup", actionId: "43" });
  assertThrows(() => event({}), EnvironmentError, "juju run UNIT backup");
});

const BROKEN: readonly (readonly [string, Variables, string])[] = [
  ["install", { JUJU_UNIT_NAME: "" }, "JUJU_UNIT_NAME is not set"],
  ["install", { JUJU_UNIT_NAME: "../../etc/0" }, 'JUJU_UNIT_NAME is "../../etc/0" but must be a unit such as db/0'],
  ["update-status", { JUJU_UNIT_NAME: "db/0/.." }, "JUJU_UNIT_NAME is"],
  ["db-relation-joined", { ...REMOTE, JUJU_RELATION_ID: "" }, "JUJU_RELATION_ID is not set"],
  ["db-relation-joined", { ...REMOTE, JUJU_RELATION_ID: "7" }, 'JUJU_RELATION_ID is "7" but must be such as db:7'],
  ["db-relation-joined", { ...REMOTE, JUJU_RELATION_ID: "db:x" }, "must be such as db:7"],
  ["db-relation-joined", { ...REMOTE, JUJU_RELATION_ID: "db:-1" }, "must be such as db:7"],
  ["db-relation-joined", { ...REMOTE, JUJU_RELATION_ID: `db:${"9".repeat(20)}` }, "must be such as db:7"],
  ["db-relation-joined", { ...REMOTE, JUJU_RELATION_ID: "cluster:7" }, "is not of endpoint db"],
  ["db-relation-joined", { ...REMOTE, JUJU_REMOTE_UNIT: "" }, "JUJU_REMOTE_UNIT is not set"],
  ["db-relation-departed", { ...REMOTE, JUJU_REMOTE_UNIT: "" }, "JUJU_REMOTE_UNIT is not set"],
  ["db-relation-changed", { JUJU_RELATION_ID: "db:7" }, "JUJU_REMOTE_APP is not set"],
  ["db-relation-changed", { ...REMOTE, JUJU_REMOTE_UNIT: "../etc" }, "JUJU_REMOTE_UNIT is"],
  ["db-relation-changed", { ...REMOTE, JUJU_REMOTE_APP: "a b\n" }, 'JUJU_REMOTE_APP is "a b\\n" but'],
  ["db-relation-departed", { ...REMOTE, JUJU_DEPARTING_UNIT: "db" }, "JUJU_DEPARTING_UNIT is"],
  ["data-storage-storage-attached", { JUJU_STORAGE_ID: "data/0" }, "must be such as data-storage/0"],
  ["data-storage-storage-attached", { JUJU_STORAGE_ID: "data-storage/x" }, "must be such as data-storage/0"],
  ["secret-changed", {}, "JUJU_SECRET_ID is not set"],
  ["secret-expired", { JUJU_SECRET_ID: "secret:a" }, "JUJU_SECRET_REVISION is not set"],
  ["secret-remove", { JUJU_SECRET_ID: "secret:a", JUJU_SECRET_REVISION: "0" }, "must be a number from 1"],
  ["secret-remove", { JUJU_SECRET_ID: "secret:a", JUJU_SECRET_REVISION: "1e3" }, "must be a number from 1"],
];

for (const [name, variables, expected] of BROKEN) {
  Deno.test(`broken environment: ${name} ${JSON.stringify(variables)}`, () => {
    const error = assertThrows(() => eventOf(name, variables), EnvironmentError, expected);
    assertEquals(error.message.includes("\n"), false);
  });
}
