/** What units remember, options and servers' words that are not what they should be. */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import type { ConfigType } from "../../hooks/charm/metadata.ts";
import { StateError } from "../../hooks/errors.ts";
import { isRefusal, readReply, refusalIn } from "../../interfaces/clients/etcd/answer.ts";
import { explainFailure as explainMysql } from "../../interfaces/clients/mysql/failure.ts";
import { explainFailure as explainPostgresql } from "../../interfaces/clients/postgresql/failure.ts";
import { OptionError, readOptions } from "../../interfaces/database_peers/options.ts";
import { readMemory as readEtcd } from "../../interfaces/etcd/server/memory.ts";
import { readTlsState } from "../../interfaces/etcd/server/tls_state.ts";
import { readMemory as readMysql } from "../../interfaces/mysql_innodb_cluster/server/memory.ts";
import { isAll, isFlag, isMadeOf, isNumber, isText, isTexts, readParts } from "../../interfaces/remembered.ts";
import { contextOver, printed, replying } from "../fuzz/replies.ts";

interface Sample {
  readonly path?: string;
  readonly on?: boolean;
  readonly place?: { readonly port: number };
  readonly urls?: readonly string[];
  readonly ports?: Readonly<Record<string, number>>;
}

const CHECKS = {
  path: isText,
  on: isFlag,
  place: isMadeOf({ port: isNumber }),
  urls: isTexts,
  ports: isAll("map", isNumber),
};

Deno.test("a memory is what it was, without some parts, or with parts of another revision", () => {
  const whole = { path: "/", on: true, place: { port: 1 }, urls: ["a"], ports: { a: 1 } };
  for (const value of [whole, {}, { path: "/" }, { ...whole, later: [1] }, { path: undefined }]) {
    assertEquals<unknown>(readParts<Sample>(value, CHECKS), value);
  }
});

Deno.test("a memory with a damaged part is refused, and the part is named", () => {
  const damaged: Readonly<Record<string, readonly unknown[]>> = {
    path: [1, null, []],
    on: ["true", 0],
    place: [null, {}, { port: "1" }, []],
    urls: ["a", [1], { 0: "a" }],
    ports: [[1], { a: "1" }],
  };
  for (const [part, values] of Object.entries(damaged)) {
    for (const value of values) {
      const error = assertThrows(() => readParts<Sample>({ [part]: value }, CHECKS), StateError);
      assertMatch(error.message, new RegExp(`\\(${part}\\) is damaged; .*state-get`));
    }
  }
  for (const value of [null, [], "x", 1]) {
    assertThrows(() => readParts<Sample>(value, CHECKS), StateError, "everything");
  }
});

function charmOf(role: "peers", name: string, options: Readonly<Record<string, ConfigType>> = {}) {
  const endpoint = { name: "cluster", role, interface: name, scope: "global" } as const;
  const config = Object.fromEntries(
    Object.entries(options).map(([option, type]) => [option, { name: option, type, description: "" }]),
  );
  return {
    charm: {
      name: "app",
      summary: "",
      subordinate: false,
      endpoints: [endpoint],
      storages: [],
      containers: [],
      config,
      actions: {},
    },
    endpoint,
  };
}

Deno.test("units that run servers refuse a damaged memory instead of starting anew", () => {
  const remembered = (value: unknown) => ({ "charmlet.stored.cluster": JSON.stringify({ version: 1, value }) });
  const etcd = charmOf("peers", "etcd");
  const mysql = charmOf("peers", "mysql-innodb-cluster");
  const loaded = { config: "a", trust: "b", address: null };
  const others = "https://10.0.0.1:2379";
  for (const value of [5, { started: "yes" }, { others }, { leaves: {} }, { loaded: "x" }, { loaded }]) {
    assertThrows(() => readEtcd(contextOver(replying({}), { ...etcd, state: remembered(value) })), StateError);
  }
  for (const value of [5, { wasMember: 1 }, { departed: [{ host: "10.0.0.1" }] }, { addresses: { "mysql/1": null } }]) {
    assertThrows(() => readMysql(contextOver(replying({}), { ...mysql, state: remembered(value) })), StateError);
  }
});

Deno.test("etcd: what an earlier revision remembered of the running member is taken as it is", () => {
  const loaded = { config: "a", trust: "b" };
  const state = { "charmlet.stored.cluster": JSON.stringify({ version: 1, value: { started: true, loaded } }) };
  assertEquals(readEtcd(contextOver(replying({}), { ...charmOf("peers", "etcd"), state })).loaded, loaded);
  const wrong = {
    "charmlet.stored.cluster": JSON.stringify({ version: 1, value: { loaded: { ...loaded, address: 5 } } }),
  };
  assertThrows(() => readEtcd(contextOver(replying({}), { ...charmOf("peers", "etcd"), state: wrong })), StateError);
});

Deno.test("PostgreSQL's data directory does not lead upwards", async () => {
  const scene = charmOf("peers", "postgresql_peers", { "data-directory": "string" });
  const read = (path: string) =>
    readOptions(contextOver(replying({ "config-get": printed(JSON.stringify({ "data-directory": path })) }), scene));
  assertEquals((await read("/srv/..data")).dataDirectory, "/srv/..data");
  for (const path of ["/srv/..", "/var/lib/../../etc", "/../etc"]) {
    await assertRejects(() => read(path), OptionError, "without ..");
  }
});

Deno.test("a driver's code that every object knows is no reason", () => {
  for (const code of ["toString", "constructor", "__proto__"]) {
    const error = Object.assign(new Error("x"), { code });
    const at = { endpoint: "10.0.0.1:1", operation: "read", timeoutMs: 1 };
    assertMatch(explainMysql(error, at).message, /^what answers at 10\.0\.0\.1:1 is not MySQL as expected/);
    assertMatch(explainPostgresql(error, at).message, /^what answers at 10\.0\.0\.1:1 is not PostgreSQL as expected/);
  }
});

Deno.test("a change of etcd's authority never waits for a time that does not come", () => {
  const reachedAt = (value: string) =>
    readTlsState({ "tls-version": "1", "tls-trust": "x", "tls-reached": value })?.reachedAt;
  assertEquals(reachedAt("1767225600000"), 1_767_225_600_000);
  for (const value of ["1e400", "Infinity", "-1", "0x10", "NaN", "9".repeat(16), ""]) assertEquals(reachedAt(value), 0);
});

Deno.test("etcd's errors whose words are no words say nothing, and end in an error of ours", () => {
  const odd = { toString: null, valueOf: null };
  for (const body of [{ error: odd }, { message: odd }, { error: [odd], code: odd }]) {
    const result = readReply({ status: 400, text: JSON.stringify(body) }, []);
    assertEquals(isRefusal(result) && result.error.message, "etcd refuses the request: no reason given");
  }
  const { error } = refusalIn({ grpc_code: odd, message: odd }, []);
  assertEquals(error.message, "etcd refuses the request: no reason given");
  assertEquals(refusalIn({ grpc_code: 5, message: "etcdserver: requested lease not found" }, []).next, "stop");
});
