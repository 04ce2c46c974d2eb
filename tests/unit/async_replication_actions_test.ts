/** What actions refuse, and what those do that the traces do not record. */
import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { NEXT, TEXT } from "../../interfaces/async_replication/texts.ts";
import { changes, type Given, OFFER, OWN, relation, runEvent } from "./async_replication_world.ts";

const SET = { "cluster-set-name": "set-a" };
const REPLICA = { is_cluster_replica: true };

async function failure(name: string, given: Given): Promise<unknown> {
  const outcome = await runEvent(name, given);
  assertEquals([outcome.error, changes(outcome)], [undefined, []]);
  return outcome.action?.failed;
}

Deno.test("every action that changes the set needs the leader", async () => {
  const cases: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ["promote-standby-cluster", SET, "promote a standby cluster"],
    ["promote-to-primary", { scope: "cluster" }, "promote a standby cluster"],
    ["fence-writes", SET, "fence writes"],
    ["unfence-writes", SET, "unfence writes"],
    ["rejoin-cluster", { "cluster-name": "cluster-b" }, "rejoin a cluster"],
    ["recreate-cluster", {}, "recreate the cluster"],
    ["create-replication", {}, "create a replication"],
  ];
  for (const [name, params, what] of cases) {
    assertEquals(await failure(name, { params, leader: false, mysql: REPLICA }), TEXT.leaderOnly(what));
  }
});

Deno.test("empty, wrong, huge and hostile names are refused before MySQL is asked to change anything", async () => {
  for (const name of [undefined, "", "set-b", "set-a ", "x".repeat(100_000), "'; DROP"]) {
    const params = name === undefined ? {} : { "cluster-set-name": name };
    assertEquals(await failure("promote-standby-cluster", { params, mysql: REPLICA }), TEXT.badSetName);
    assertEquals(await failure("fence-writes", { params }), TEXT.badSetName);
    assertEquals(await failure("unfence-writes", { params }), TEXT.badSetName);
  }
  for (const name of ["", "x".repeat(64), "a b", "'; DROP", "-x"]) {
    assertEquals(await failure("rejoin-cluster", { params: { "cluster-name": name } }), TEXT.badClusterName);
  }
  const nameless = { params: {}, app: { "cluster-set-domain-name": "" }, mysql: REPLICA };
  assertEquals(await failure("promote-standby-cluster", nameless), TEXT.badSetName);
});

Deno.test("fencing needs the primary cluster of a set, and to change something", async () => {
  const fence = (mysql: Readonly<Record<string, unknown>>, name = "fence-writes") =>
    failure(name, { params: SET, mysql });
  assertEquals(await fence(REPLICA), TEXT.onlyPrimary);
  assertEquals(await fence({ is_cluster_replica: null }), TEXT.noSet);
  assertEquals(await fence({ is_cluster_writes_fenced: true }), TEXT.alreadyFenced);
  assertEquals(await fence({ is_cluster_writes_fenced: false }, "unfence-writes"), TEXT.alreadyFenced);
  const raise = { unfence_writes: { $raise: "MySQLFencingWritesError" }, is_cluster_writes_fenced: true };
  const outcome = await runEvent("unfence-writes", { params: SET, mysql: raise });
  assertEquals(outcome.action, { failed: TEXT.unfencingFailed });
});

Deno.test("promote-to-primary: a cluster without naming the set, or a unit on any unit", async () => {
  const promote = (params: Record<string, unknown>, given: Given = {}) =>
    runEvent("promote-to-primary", { params, mysql: REPLICA, ...given });
  const cluster = await promote({ scope: "cluster", force: true });
  assertEquals(cluster.action, { results: { message: TEXT.promoted("cluster-a") } });
  assertEquals(cluster.calls[1]?.args, ["cluster-a", true]);
  const unit = await promote({ scope: "unit" }, { leader: false });
  assertEquals([unit.action, changes(unit)], [{ results: { message: TEXT.unitPromoted } }, [
    "promote_unit_to_primary",
  ]]);
  for (const scope of [undefined, "", "model"]) {
    assertEquals(await failure("promote-to-primary", { params: { scope } }), TEXT.badScope);
  }
  assertEquals(await failure("promote-to-primary", { params: { scope: "cluster" } }), TEXT.onlyStandby);
});

Deno.test("recreate-cluster: only without relation and cluster; the set it left is not its own any more", async () => {
  const related = { params: {}, relations: [relation("async-replica", {}, OFFER)] };
  assertEquals(await failure("recreate-cluster", related), TEXT.stillRelated("async-replica"));
  const clustered = { params: {}, mysql: { is_instance_in_cluster: true } };
  assertEquals(await failure("recreate-cluster", clustered), TEXT.stillClustered);
  const removed = { "removed-from-cluster-set": "true" };
  // The second one: an action that was killed when it had made the cluster is run again.
  for (const mysql of [{}, { is_instance_in_cluster: true }]) {
    const { action, calls, peer } = await runEvent("recreate-cluster", { params: {}, app: removed, mysql });
    assertEquals(action, { results: { message: TEXT.recreated } });
    assertEquals(calls.map(({ method }) => method), ["create_cluster", "update_status"]);
    assertEquals(peer?.app["removed-from-cluster-set"], undefined);
    assertEquals(peer?.app["rejoin-secondaries"], undefined, "it does not return to a set");
    assertMatch(peer?.app["cluster-set-domain-name"] ?? "", /^cluster-set-0badc0de/);
  }
});

Deno.test("recreate-cluster: not while the application's own cluster may run; one that its set lost is ended first", async () => {
  assertEquals(await failure("recreate-cluster", { params: {} }), TEXT.notDissolvedYet, "the server was restarted");
  const methods = async (mysql: Readonly<Record<string, unknown>>) => {
    const { action, calls } = await runEvent("recreate-cluster", { params: {}, mysql });
    assertEquals(action, { results: { message: TEXT.recreated } });
    return calls.map(({ method }) => method);
  };
  const asked = "is_instance_in_cluster";
  assertEquals(await methods({ was_dissolved: true }), [asked, "create_cluster", "update_status"]);
  assertEquals(await methods({ is_instance_in_cluster: true, was_removed: true }), [
    asked,
    "dissolve_cluster",
    "create_cluster",
    "update_status",
  ]);
});

Deno.test("whoever is refused in words that scripts know is told what to do", async () => {
  const next = async (name: string, given: Given) => (await runEvent(name, { params: SET, ...given })).progress;
  assertEquals(await next("fence-writes", { leader: false }), [NEXT.onLeader("mysql")]);
  assertEquals(await next("promote-standby-cluster", {}), [NEXT.onReplica]);
  assertEquals(await next("fence-writes", { params: {} }), [NEXT.nameSet("set-a")]);
  assertEquals(await next("fence-writes", { params: {}, app: { "cluster-set-domain-name": "" } }), [
    NEXT.nameSet(undefined),
  ]);
  assertEquals(await next("fence-writes", { mysql: REPLICA }), [NEXT.onPrimary]);
  assertEquals(await next("fence-writes", { mysql: { is_cluster_writes_fenced: true } }), [NEXT.unfence]);
  assertEquals(await next("unfence-writes", {}), [NEXT.nothing]);
  assertNotMatch(NEXT.nothing, /takes writes/, "a cluster may be closed for other reasons");
  const absent = { params: { "cluster-name": "cluster-x" }, mysql: { is_cluster_in_cluster_set: false } };
  assertEquals(await next("rejoin-cluster", absent), [NEXT.nameCluster]);
});

Deno.test("rejoin-cluster: those that do not follow the primary, and no others", async () => {
  const rejoin = (status: string) => ({
    params: { "cluster-name": "cluster-b" },
    mysql: { get_replica_cluster_status: status },
  });
  for (const status of ["invalidated", "ok_not_replicating", "ok_misconfigured"]) {
    const { action, calls } = await runEvent("rejoin-cluster", rejoin(status));
    assertEquals(action, { results: { message: TEXT.rejoined("cluster-b") } });
    assertEquals(calls.at(-1)?.method, "rejoin_cluster");
  }
  for (const status of ["ok", "ok_not_consistent", "not_ok", "unknown"] as const) {
    assertEquals(await failure("rejoin-cluster", rejoin(status)), TEXT.notRejoinable(status));
  }
});

Deno.test("create-replication: offers once, and says what is missing", async () => {
  assertEquals(await failure("create-replication", { params: {} }), TEXT.noOffer("async-primary"));
  const relations = [relation("async-primary", {}, {})];
  const early = { params: {}, relations, unitBag: { "unit-initialized": "" } };
  assertEquals(await failure("create-replication", early), TEXT.notReady);
  const first = await runEvent("create-replication", { params: {}, relations, secrets: [OWN] });
  assertEquals(first.action, { results: { message: TEXT.offered } });
  assertEquals(first.relations["7"]?.["cluster-name"], "cluster-a");
  const offered = [relation("async-primary", first.relations["7"] ?? {}, {})];
  const again = await runEvent("create-replication", { params: {}, relations: offered });
  assertEquals([again.calls, again.action], [[], { results: { message: TEXT.offered } }]);
});
