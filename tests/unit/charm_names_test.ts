/** Names of hooks, actions and units. */
import { assert, assertEquals } from "@std/assert";
import type { CharmMetadata } from "../../hooks/charm/metadata.ts";
import {
  actionNames,
  hookNames,
  isValidName,
  looksLikeHook,
  matchHook,
  parseUnitName,
} from "../../hooks/charm/names.ts";

function charmOf(parts: Partial<CharmMetadata>): CharmMetadata {
  return {
    name: "c",
    summary: "",
    subordinate: false,
    endpoints: [],
    storages: [],
    containers: [],
    config: {},
    actions: {},
    ...parts,
  };
}

function endpoint(name: string) {
  return { name, role: "provides", interface: "x", scope: "global" } as const;
}

Deno.test("the contract's example has 26 names, and two for series upgrades of machines", () => {
  const charm = charmOf({ endpoints: [endpoint("database"), endpoint("database-peers")], storages: ["pgdata"] });
  const names = hookNames(charm);
  const legacy = ["pre-series-upgrade", "post-series-upgrade"];
  assertEquals(names.filter((name) => !legacy.includes(name)).length, 26);
  assertEquals(names.slice(-2), legacy);
  assertEquals(new Set(names).size, 28);
  for (const name of ["install", "secret-rotate", "database-relation-created", "pgdata-storage-detaching"]) {
    assert(names.includes(name), name);
  }
});

Deno.test("restricted hooks are never among the names, series upgrades not in Kubernetes charms", () => {
  const names = hookNames(charmOf({ containers: ["a-pebble"] }));
  assertEquals(names.filter((name) => /metrics|meter|series/.test(name)), []);
  assertEquals(names.slice(-4), [
    "a-pebble-pebble-ready",
    "a-pebble-pebble-custom-notice",
    "a-pebble-pebble-check-failed",
    "a-pebble-pebble-check-recovered",
  ]);
});

Deno.test("action names", () => {
  const spec = { name: "backup", description: "", params: {}, required: [], additionalProperties: true };
  assertEquals(actionNames(charmOf({ actions: { backup: spec } })), ["backup"]);
  assertEquals(actionNames(charmOf({})), []);
});

Deno.test("each generated name matches what it was generated from, however names mimic each other", () => {
  const endpoints = [
    "x-relation",
    "x",
    "db-relation-joined",
    "db",
    "db-relation",
    "a-pebble-ready",
    "data-storage-attached",
    "secret",
    "install",
  ].map(endpoint);
  const charm = charmOf({
    endpoints,
    storages: ["data", "data-storage", "db-relation-joined", "x-pebble-ready"],
    containers: ["a", "a-pebble", "x-relation-joined", "data-storage-attached"],
  });
  const phases = ["created", "joined", "changed", "departed", "broken"] as const;
  for (const endpoint of endpoints) {
    for (const phase of phases) {
      const match = matchHook(`${endpoint.name}-relation-${phase}`, charm);
      assertEquals(match, { kind: "relation", endpoint, phase });
    }
  }
  for (const storage of charm.storages) {
    for (const phase of ["attached", "detaching"] as const) {
      assertEquals(matchHook(`${storage}-storage-${phase}`, charm), { kind: "storage", storage, phase });
    }
  }
  for (const container of charm.containers) {
    for (const phase of ["ready", "custom-notice", "check-failed", "check-recovered"] as const) {
      assertEquals(matchHook(`${container}-pebble-${phase}`, charm), { kind: "workload", container, phase });
    }
  }
  assertEquals(matchHook("install", charm), { kind: "lifecycle", hook: "install" });
  assertEquals(matchHook("secret-changed", charm), { kind: "secret", phase: "changed" });
  const names = hookNames(charm);
  assertEquals(new Set(names).size, names.length, "no name stands for two things");
  assert(names.every((name) => matchHook(name, charm) !== undefined && looksLikeHook(name)));
});

Deno.test("names that the charm does not have match nothing", () => {
  const charm = charmOf({ endpoints: [endpoint("db")], storages: ["data"], containers: ["box"] });
  const names = [
    "",
    "db",
    "db-relation",
    "db-relation-",
    "db-relation-renamed",
    "-relation-joined",
    "xdb-relation-joined",
    "db-relation-joined-relation-joined",
    "data-relation-joined",
    "db-storage-attached",
    "box-pebble-gone",
    "hooks/install",
    "constructor",
    "__proto__",
    "secret-unknown",
  ];
  for (const name of names) assertEquals(matchHook(name, charm), undefined, name);
});

Deno.test("what looks like a hook's name", () => {
  for (const name of ["install", "pre-series-upgrade", "collect-metrics", "secret-remove", "b-storage-attached"]) {
    assert(looksLikeHook(name), name);
  }
  for (const name of ["charmlet", "dispatch", "", "-relation-joined", "relation-joined", "installer"]) {
    assert(!looksLikeHook(name), name);
  }
});

Deno.test("Juju's rules for names", () => {
  const valid = {
    endpoint: ["db", "db-admin", "database_peers", "x-relation", "a1-2"],
    storage: ["data", "data-storage", "d1"],
    container: ["a-pebble", "1a"],
    action: ["a", "backup-all", "3rd-try"],
    charm: ["mysql-innodb-cluster", "k8s"],
  } as const;
  const invalid = {
    endpoint: ["", "Db", "-db", "db-", "db--x", "d b", "../x", "a/b", ".", "db\n", "1db"],
    storage: ["", "Data", "data_1", "data-1", "a/b"],
    container: ["", "a_b", "-a", "a-", "A", "a/b"],
    action: ["", "Backup", "-a", "a-", "a.b", "a/b", ".."],
    charm: ["", "Pg", "pg-", "pg_1"],
  } as const;
  for (const what of ["endpoint", "storage", "container", "action", "charm"] as const) {
    for (const name of valid[what]) assert(isValidName(what, name), `${what} ${name}`);
    for (const name of [...invalid[what], "a".repeat(201)]) assert(!isValidName(what, name), `${what} ${name}`);
  }
});

Deno.test("unit names", () => {
  assertEquals(parseUnitName("db/0"), { application: "db", number: 0 });
  assertEquals(parseUnitName("my-db-2x/10"), { application: "my-db-2x", number: 10 });
  const remote = "remote-0123456789abcdef0123456789abcdef";
  assertEquals(parseUnitName(`${remote}/7`)?.application, remote);
  for (const text of ["", "db", "db/", "/0", "db/x", "db/01", "db/-1", "a/b/0", "Db/0", "db/0\n", " db/0", "db/1e3"]) {
    assertEquals(parseUnitName(text), undefined, text);
  }
});
