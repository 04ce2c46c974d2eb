import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { mysqlInnodbCluster } from "../../interfaces/mysql_innodb_cluster/peers.ts";
import { type Bag, TestUnit } from "./interface_unit.ts";

const RELATION = { relation: "cluster:0" };
const PASSWORD = "s3cret-password";

function peer(number: number, more: Bag = {}): Bag {
  return {
    "cluster-address": `"10.0.0.${number}"`,
    "cluster-user": '"clusteruser"',
    "cluster-password": JSON.stringify(PASSWORD),
    ...more,
  };
}

function cluster(units: Record<string, Bag>, network: string | undefined = "10.0.0.100"): TestUnit {
  const unit = new TestUnit("peers", "cluster", "mysql-innodb-cluster", network);
  unit.relations["cluster:0"] = { app: "app", units };
  return unit;
}

const IN = { "unit-clustered": "true" };
const ALL = ["cluster.available", "cluster.clustered", "cluster.connected"];

Deno.test("mysql cluster: flags follow from the peers in every hook, departed ones included", async () => {
  const unit = cluster({ "app/1": peer(1, IN), "app/2": peer(2, IN), "app/3": peer(3, IN) });
  assertEquals((await unit.hook("cluster-relation-joined", { ...RELATION, unit: "app/3" })).flags, ALL);
  unit.relations["cluster:0"] = { app: "app", units: { "app/1": peer(1, IN), "app/2": peer(2, IN) } };
  const departed = await unit.hook("cluster-relation-departed", { ...RELATION, unit: "app/3" });
  assertEquals(departed.flags, ALL, "a cluster of three remains");
  unit.relations["cluster:0"] = { app: "app", units: { "app/1": peer(1, IN), "app/2": peer(2) } };
  assertEquals((await unit.hook("update-status")).flags, ["cluster.available", "cluster.connected"]);
  unit.relations["cluster:0"] = { app: "app", units: { "app/1": peer(1, IN) } };
  assertEquals((await unit.hook("config-changed")).flags, ["cluster.connected"]);
  unit.relations["cluster:0"] = { app: "app", units: {} };
  assertEquals((await unit.hook("cluster-relation-departed", { ...RELATION, unit: "app/1" })).flags, []);
});

for (const missing of ["", "0", "0.0", "false", "null", '""', "[]", "{}"]) {
  Deno.test(`mysql cluster: the password ${JSON.stringify(missing)} counts as missing`, async () => {
    const unit = cluster({ "app/1": peer(1), "app/2": peer(2, { "cluster-password": missing }) });
    assertEquals((await unit.hook("update-status")).flags, ["cluster.connected"]);
  });
}

Deno.test("mysql cluster: what peers send is decoded; a connection is text and nothing else", async () => {
  const unit = cluster({
    "app/10": peer(10),
    "app/2": { "cluster-address": "raw", "cluster-user": "12345", "cluster-password": "NaN" },
    "app/3": peer(3, { "cluster-address": '"10.0.0.3; DROP TABLE x"' }),
    "app/4": peer(4, { "cluster-user": "constructor" }),
    "app/5": peer(5, { "cluster-password": `"${"x".repeat(70_000)}"` }),
  });
  const { result, log } = await unit.hook("update-status", {}, async (ctx) => {
    const units = await mysqlInnodbCluster(ctx).allJoinedUnits();
    return units.map(({ unit, received, connection }) => [unit, received.clusterUser, connection?.address]);
  });
  assertEquals(result, [
    ["app/2", 12345, undefined],
    ["app/3", "clusteruser", undefined],
    ["app/4", "constructor", "10.0.0.4"],
    ["app/5", "clusteruser", undefined],
    ["app/10", "clusteruser", "10.0.0.10"],
  ]);
  assertMatch(log.join("\n"), /app\/5: cluster-password has 70002 characters/);
  assertNotMatch(log.join("\n"), /xxxx/);
});

Deno.test("mysql cluster publishes as Python's JSON does, and its address while it has peers", async () => {
  const unit = cluster({ "app/1": {} });
  await unit.hook("cluster-relation-joined", { ...RELATION, unit: "app/1" }, async (ctx) => {
    const peers = mysqlInnodbCluster(ctx);
    await peers.setClusterConnectionInfo(undefined, 'us"er\\', "pässwörd 😀");
    await peers.setUnitConfigureReady();
    await peers.setUnitClustered();
  });
  assertEquals(unit.own["cluster:0"], {
    "ingress-address": "10.0.0.100",
    "private-address": "10.0.0.100",
    "cluster-address": '"10.0.0.100"',
    "cluster-user": '"us\\"er\\\\"',
    "cluster-password": '"p\\u00e4ssw\\u00f6rd \\ud83d\\ude00"',
    "unit-configure-ready": "true",
    "unit-clustered": "true",
  });
  await unit.hook(
    "update-status",
    {},
    (ctx) => mysqlInnodbCluster(ctx).setClusterConnectionInfo("10.0.0.1", "u", "p", "db0.example"),
  );
  assertEquals(unit.own["cluster:0"]?.["cluster-address"], '"db0.example"');
});

Deno.test("mysql cluster without a network of its own uses the unit's private address", async () => {
  const unit = new TestUnit("peers", "cluster", "mysql-innodb-cluster");
  unit.relations["cluster:0"] = { app: "app", units: { "app/1": {} } };
  const { result } = await unit.hook("update-status", {}, (ctx) => mysqlInnodbCluster(ctx).ingressAddress());
  assertEquals([result, unit.own["cluster:0"]?.["private-address"]], ["10.9.9.9", "10.9.9.9"]);
});

Deno.test("mysql cluster: setters without a relation, or in its end, warn and publish nothing", async () => {
  const unit = cluster({});
  const clustered = await unit.hook(
    "cluster-relation-broken",
    RELATION,
    (ctx) => mysqlInnodbCluster(ctx).setUnitClustered(),
  );
  assertEquals(unit.own["cluster:0"], {});
  unit.relations = {};
  const ready = await unit.hook("install", {}, (ctx) => mysqlInnodbCluster(ctx).setUnitConfigureReady());
  for (const { log } of [clustered, ready]) assertMatch(log.join("\n"), /WARNING .*cluster has no relation/);
});

Deno.test("mysql cluster: peers' passwords are masked in the log", async () => {
  const unit = cluster({ "app/1": peer(1) });
  const { log } = await unit.hook("update-status", {}, (ctx) => ctx.log.info(`connecting with ${PASSWORD}`));
  assertEquals(log, ["INFO connecting with [secret]"]);
});
