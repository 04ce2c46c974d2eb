/** The primary side against another side that sends anything, and against hooks that were cut short. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { broken } from "../../interfaces/async_replication/broken.ts";
import { resumeRemovals } from "../../interfaces/async_replication/removal.ts";
import { relationsOf } from "../../interfaces/async_replication/replication.ts";
import { TEXT } from "../../interfaces/async_replication/texts.ts";
import {
  ANSWER,
  changes,
  type Given,
  inModule,
  OFFER,
  OWN,
  passwords,
  relation,
  runEvent,
} from "./async_replication_world.ts";

const CHANGED = "async-primary-relation-changed";
const BROKEN = "async-primary-relation-broken";
const OFFERED = { "secret-id": "secret:ours", "cluster-name": "cluster-a" };
const UNKNOWN = { get_replica_cluster_status: "unknown" };
const OURS = { id: "secret:ours", label: "async-secret", owner: "app", content: passwords("own") };

const answered = (answer: Readonly<Record<string, string>>, mysql: Readonly<Record<string, unknown>> = UNKNOWN) =>
  runEvent(CHANGED, { relationId: 7, relations: [relation("async-primary", OFFERED, answer)], mysql });

Deno.test("half an answer: nothing is asked or changed, and the unit says which keys are wrong", async () => {
  const hostile: readonly (readonly [Readonly<Record<string, string>>, readonly string[]])[] = [
    [{ endpoint: "10.9.0.1" }, ["cluster-name", "node-label"]],
    [{ endpoint: "10.9.0.1", "cluster-name": "cluster-b" }, ["node-label"]],
    [{ ...ANSWER, "cluster-name": "x'; DROP" }, ["cluster-name"]],
    [{ ...ANSWER, "cluster-name": "c".repeat(100_000) }, ["cluster-name"]],
    [{ ...ANSWER, endpoint: "10.9.0.1 --load-data" }, ["endpoint"]],
    [{ ...ANSWER, "node-label": "../.." }, ["node-label"]],
  ];
  for (const [answer, keys] of hostile) {
    const outcome = await answered(answer);
    assertEquals(outcome.error, undefined);
    assertEquals(outcome.calls, []);
    assertEquals(outcome.unitStatus, ["blocked", TEXT.badAnswer(keys)]);
    assertEquals(outcome.relations["7"], OFFERED);
  }
});

Deno.test("this cluster's own name, and that of an elder relation, are refused", async () => {
  const own = await answered({ ...ANSWER, "cluster-name": "cluster-a" });
  assertEquals([own.calls.length, own.unitStatus], [0, ["blocked", TEXT.ownName]]);
  const relations = [
    relation("async-primary", OFFERED, ANSWER),
    relation("async-primary", OFFERED, ANSWER, 8, "third"),
  ];
  const younger = await runEvent(CHANGED, { relationId: 8, relations, mysql: UNKNOWN });
  assertEquals([younger.calls.length, younger.unitStatus], [0, ["blocked", TEXT.takenName("cluster-b")]]);
  const elder = await runEvent(CHANGED, { relationId: 7, relations, mysql: UNKNOWN });
  assertEquals(changes(elder), ["create_replica_cluster"]);
});

Deno.test("a relation that ends removes only the cluster that it named", async () => {
  const end = (name: string, others: readonly string[] = []) =>
    runEvent(BROKEN, {
      relationId: 7,
      relations: [
        relation("async-primary", OFFERED, { ...ANSWER, "cluster-name": name }),
        ...others.map((each, n) => relation("async-primary", OFFERED, { ...ANSWER, "cluster-name": each }, 8 + n, "x")),
      ],
    });
  assertEquals(changes(await end("cluster-b")), ["remove_replica_cluster"]);
  assertEquals(changes(await end("cluster-b", ["cluster-c"])), ["remove_replica_cluster"]);
  assertEquals(changes(await end("cluster-b", ["cluster-b"])), []);
  assertEquals(changes(await end("cluster-a")), []);
  assertEquals(changes(await end("no name")), []);
});

Deno.test("a replica that cannot be removed now is removed later, when the relation is gone", async () => {
  const busy = { $raise: "ClusterSetBusyError" };
  const end = (mysql: Readonly<Record<string, unknown>>, given: Given = {}) =>
    runEvent(BROKEN, { relationId: 7, relations: [relation("async-primary", OFFERED, ANSWER)], mysql, ...given });
  const later = await end({ remove_replica_cluster: { $seq: [busy, busy, null] } });
  assertEquals([later.waits, later.error, later.deferred], [2, undefined, []]);
  const removed = later.calls.filter(({ method }) => method === "remove_replica_cluster");
  assertEquals(removed.map(({ args }) => args), [["cluster-b"], ["cluster-b"], ["cluster-b"]]);
  assertEquals(later.unitHistory.filter(([level]) => level === "waiting").length, 2, "it says that it waits");
  // A unit that has not joined its cluster knows no set.
  const joining = await end({ is_cluster_in_cluster_set: { $seq: [false, true] } }, {
    unitBag: { "unit-initialized": "" },
  });
  assertEquals([joining.waits, changes(joining)], [1, ["remove_replica_cluster"]]);
});

Deno.test("a new leader removes the clusters whose relation ended while another unit led", async () => {
  const elected = async (given: Given) => {
    const [unit] = await inModule("async-primary", given, async (at) => {
      at.ctx.storedAs("async-replication:ended").set(["cluster-b", 7, "no name"]);
      await resumeRemovals(at);
      await resumeRemovals(at);
    });
    return unit;
  };
  assertEquals(await elected({}), ["active", "Primary"]);
  const nothing = ["unknown", ""];
  assertEquals(await elected({ mysql: { is_cluster_in_cluster_set: false } }), nothing);
  assertEquals(await elected({ mysql: { is_cluster_replica: true } }), nothing);
  for (const side of ["async-primary", "async-replica"] as const) {
    const back = [relation(side, OFFERED, ANSWER, 8)];
    assertEquals(await elected({ relations: back }), nothing, "it has been related again");
  }
});

Deno.test("a leader that has not joined its cluster yet changes nothing, and removes the replica when it has", async () => {
  const end = await runEvent(BROKEN, {
    relationId: 7,
    relations: [relation("async-primary", OFFERED, ANSWER)],
    unitBag: { "unit-initialized": "", "member-state": "", "member-role": "" },
    mysql: { is_cluster_replica: { $seq: [null, null, false] }, has_left: false },
  });
  assertEquals([end.waits, changes(end)], [1, ["remove_replica_cluster"]]);
  const { "units-added-to-cluster": added, "removed-from-cluster-set": removed } = end.peer?.app ?? {};
  assertEquals([added, removed], ["3", undefined]);
  assertEquals(end.unitHistory.filter(([, text]) => text === TEXT.joinsFirst).length, 1);
});

Deno.test("a replica that does not run is removed by force; one that is the primary by now leaves no untrue status", async () => {
  const end = (mysql: Readonly<Record<string, unknown>>) =>
    runEvent(BROKEN, { relationId: 7, relations: [relation("async-primary", OFFERED, ANSWER)], mysql });
  const force = async (status: string) =>
    (await end({ get_replica_cluster_status: status })).calls
      .find(({ method }) => method === "remove_replica_cluster")?.kwargs;
  for (const status of ["not_ok", "unknown", "invalidated"]) assertEquals(await force(status), { force: true }, status);
  for (const status of ["ok", "ok_not_replicating"]) assertEquals(await force(status), { force: false }, status);
  const stays = await end({ remove_replica_cluster: false });
  assertEquals(stays.unitHistory.filter(([level]) => level === "active"), []);
  assertEquals(stays.calls.at(-1)?.method, "update_status");
});

Deno.test("a removal that an earlier revision has deferred goes on", async () => {
  let kept: readonly unknown[] = [];
  const [unit] = await inModule(
    "async-primary",
    { relations: [relation("async-primary", OFFERED, {})] },
    async (at) => {
      const [ended] = await relationsOf(at.ctx, "provides");
      assert(ended);
      const old = at.ctx.storedAs("async-primary:7");
      old.set("cluster-b");
      Object.assign(at.ctx, { deferral: { attempts: 1, firstSeen: 0, reason: "busy", expired: false } });
      await broken(at, ended);
      kept = [old, at.ctx.storedAs("async-replication:ended")].map((each) => each.get(undefined, (value) => value));
    },
  );
  assertEquals([unit, kept], [["active", "Primary"], [undefined, undefined]]);
});

Deno.test("a replica that was made before the hook was killed is told; a dissolved one is not", async () => {
  const told = async (status: string | null) =>
    (await answered(ANSWER, { get_replica_cluster_status: status })).relations["7"]?.["replica-state"];
  for (const status of ["ok", "ok_not_replicating", "unknown"]) assertEquals(await told(status), "initialized", status);
  for (const status of ["not_ok", "invalidated", null]) assertEquals(await told(status), undefined, String(status));
});

Deno.test("changed passwords reach the shared secret with any hook of the leader", async () => {
  const relations = [relation("async-primary", OFFERED, ANSWER)];
  const rotated = { ...OWN, content: { ...passwords("own"), "backups-password": "own-new-one" } };
  for (const [name, relationId] of [["update-status", undefined], [CHANGED, 7]] as const) {
    const event = relationId === undefined ? {} : { relationId };
    const outcome = await runEvent(name, { ...event, relations, secrets: [rotated, OURS] });
    assertEquals(outcome.secrets.map(({ id, content }) => [id, content]), [["secret:ours", rotated.content]]);
    const same = await runEvent(name, { ...event, relations, secrets: [OWN, OURS] });
    assertEquals(same.secrets, []);
    const other = await runEvent(name, { ...event, relations, secrets: [rotated, OURS], leader: false });
    assertEquals([other.error, other.secrets], [undefined, []]);
  }
});

Deno.test("update-status asks MySQL nothing", async () => {
  const relations = [relation("async-primary", OFFERED, ANSWER)];
  assertEquals((await runEvent("update-status", { relations, secrets: [OWN, OURS] })).calls, []);
});

Deno.test("a second relation shares the secret that there is, by its id", async () => {
  const relations = [relation("async-primary", OFFERED, ANSWER), relation("async-primary", {}, {}, 8, "third")];
  const given = { relationId: 8, relations, secrets: [OWN, OURS] };
  const { secrets, relations: bags } = await runEvent("async-primary-relation-created", given);
  assertEquals(bags["8"]?.["secret-id"], "secret:ours");
  assertEquals(secrets.map(({ id, grants }) => [id, grants]), [["secret:ours", { 8: ["third"] }]]);
});

Deno.test("a new leader offers what was not offered, and adds what was not added", async () => {
  const relations = [
    // What another handler of the charm has written there is no offer.
    relation("async-primary", { "led-by": "mysql/1" }, {}, 6, "third"),
    relation("async-primary", OFFERED, ANSWER),
  ];
  const outcome = await runEvent("leader-elected", { relations, mysql: UNKNOWN, secrets: [OWN, OURS] });
  assertEquals(outcome.error, undefined);
  assertEquals(outcome.relations["6"]?.["secret-id"], "secret:ours");
  assertEquals(outcome.relations["7"]?.["replica-state"], "initialized");
  assertEquals(changes(outcome), ["create_replica_cluster"]);
});

Deno.test("without passwords or version nothing is offered", async () => {
  const relations = [relation("async-primary", {}, {})];
  const created = { relationId: 7, relations };
  const poor = await runEvent("async-primary-relation-created", { ...created, secrets: [] });
  assertMatch(poor.unitStatus.join(": "), /^blocked: .*no passwords/);
  const mute = await runEvent("async-primary-relation-created", { ...created, mysql: { get_mysql_version: null } });
  assertMatch(mute.unitStatus.join(": "), /^blocked: .*mysql-version of this cluster is not known/);
  for (const { relations: bags, secrets } of [poor, mute]) assertEquals([bags["7"], secrets], [{}, []]);
});

Deno.test("an offer in the name of the other side changes nothing for a primary", async () => {
  const outcome = await answered({ ...OFFER, ...ANSWER, "replica-state": "initialized" });
  assert(changes(outcome).length === 1 && outcome.error === undefined);
  const mixed = await runEvent(CHANGED, { relationId: 7, relations: [relation("async-primary", {}, ANSWER)] });
  assertEquals([mixed.calls, mixed.relations["7"], mixed.deferred], [[], {}, []]);
});
