/** The replica side against another side that sends anything, and against hooks that were cut short. */
import { assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { TEXT } from "../../interfaces/async_replication/texts.ts";
import type { EventBag } from "../conformance/trace_events_format.ts";
import { changes, type Given, OFFER, OWN, passwords, relation, runEvent, SHARED } from "./async_replication_world.ts";

const CHANGED = "async-replica-relation-changed";
const SENT = { "cluster-name": "cluster-a", endpoint: "10.0.0.10", "node-label": "mysql-0" };
const ALL = Array(5).fill(["update_user_password", "set_secret"]).flat();

const offered = (offer: EventBag, given: Given = {}, sent: EventBag = {}) =>
  runEvent(CHANGED, {
    relationId: 7,
    relations: [relation("async-replica", sent, offer)],
    secrets: [OWN, SHARED],
    ...given,
  });

Deno.test("a whole offer: passwords first, then the cluster, then the answer", async () => {
  const outcome = await offered(OFFER);
  assertEquals(changes(outcome), [...ALL, "dissolve_cluster"]);
  assertEquals(outcome.relations["7"], SENT);
  assertEquals(outcome.unitStatus, ["waiting", TEXT.awaitingPrimary]);
});

Deno.test("half an offer changes nothing, whatever is missing or wrong", async () => {
  const wrong: readonly EventBag[] = [
    { "secret-id": "secret:shared" },
    { ...OFFER, "cluster-name": "" },
    { ...OFFER, "cluster-name": "x'; DROP" },
    { ...OFFER, "cluster-name": "c".repeat(100_000) },
    { ...OFFER, "mysql-version": "" },
    { ...OFFER, "mysql-version": "9.7.4\n" },
    { ...OFFER, "mysql-version": "8.0.36" },
    { ...OFFER, "secret-id": "--refresh" },
    { ...OFFER, "secret-id": "secret:not-granted" },
    { "cluster-name": "cluster-p" },
  ];
  for (const offer of wrong) {
    const outcome = await offered(offer);
    assertEquals(outcome.error, undefined);
    assertEquals(changes(outcome), []);
    assertEquals(outcome.relations["7"], {});
  }
});

Deno.test("a secret that is not what it must be: the reason is shown, no value is, and nothing changes", async () => {
  const { "root-password": _, ...partial } = SHARED.content;
  const contents: readonly (readonly [Record<string, string>, string])[] = [
    [partial, "it lacks root-password"],
    [{ ...SHARED.content, "proxy-password": "remote-hidden" }, "unknown keys"],
    [{ ...SHARED.content, "root-password": "remote\nhidden" }, "root-password cannot be a password"],
    [{ token: "remote-hidden" }, "it lacks root-password"],
  ];
  for (const [content, why] of contents) {
    const outcome = await offered(OFFER, { secrets: [OWN, { ...SHARED, content }] });
    assertEquals([outcome.error, changes(outcome)], [undefined, []]);
    assertEquals(outcome.unitStatus[0], "blocked");
    assertStringIncludes(outcome.unitStatus[1], why);
    assertNotMatch(outcome.unitStatus[1], /hidden/);
    assertEquals(outcome.deferred, [{ observer: "_on_replica_changed" }], "it looks again in the next hook");
  }
});

Deno.test("a step that fails leaves no answer, and the next run starts over", async () => {
  const failing = { update_user_password: { $seq: [null, null, { $raise: "MySQLUpdatePasswordError" }] } };
  const failed = await offered(OFFER, { mysql: failing });
  assertEquals([failed.error !== undefined, failed.relations["7"], changes(failed).length], [true, {}, 5]);
  assertEquals(changes(await offered(OFFER)), [...ALL, "dissolve_cluster"]);
});

Deno.test("a hook that was killed after dissolving goes on; other small clusters are waited for", async () => {
  const killed = await offered(OFFER, { mysql: { get_cluster_node_count: 0, was_dissolved: true } });
  assertEquals([changes(killed).at(-1), killed.relations["7"]], ["dissolve_cluster", SENT]);
  const small = await offered(OFFER, { mysql: { get_cluster_node_count: 2 } });
  assertEquals([changes(small), small.unitStatus], [[], ["waiting", TEXT.awaitingMembers]]);
});

Deno.test("a cluster whose end was announced, and that does not end after all, is looked after again", async () => {
  const app = { "units-added-to-cluster": "" };
  const added = async (mysql: Readonly<Record<string, unknown>>, secrets = [OWN, SHARED]) =>
    (await offered(OFFER, { app, mysql, secrets })).peer?.app["units-added-to-cluster"];
  const isIn = { is_instance_in_cluster: true };
  assertEquals(await added({ ...isIn, get_non_system_databases: ["precious"] }), "3");
  assertEquals(await added(isIn, [OWN]), "3", "the secret is taken back");
  assertEquals(await added({ was_dissolved: true }, [OWN]), undefined, "it has ended");
  const broken = (mysql: Readonly<Record<string, unknown>>) =>
    runEvent("async-replica-relation-broken", {
      relationId: 7,
      relations: [relation("async-replica", {}, OFFER)],
      mysql: { was_dissolved: false, ...mysql },
      app,
    });
  assertEquals((await broken(isIn)).peer?.app["units-added-to-cluster"], "3");
  const down = await broken({ get_cluster_node_count: 0 });
  assertEquals(down.peer?.app["units-added-to-cluster"], "1", "the leader's own server is out of the cluster");
  // The leader's server has left, the others' have not.
  const half = await broken({ is_cluster_replica: null, has_left: true, get_cluster_node_count: 0 });
  assertEquals([half.peer?.app["units-added-to-cluster"], half.peer?.app["removed-from-cluster-set"]], [
    "1",
    undefined,
  ]);
  assertEquals(half.unitStatus, ["waiting", TEXT.joinsFirst]);
});

Deno.test("a surrender that was cut short between two servers lets those come back that have left, and begins again", async () => {
  const app = { "units-added-to-cluster": "" };
  const cut = async (mysql: Readonly<Record<string, unknown>>) => {
    const outcome = await offered(OFFER, { app, mysql });
    return [changes(outcome), outcome.unitStatus, outcome.peer?.app["units-added-to-cluster"]];
  };
  const waits = ["waiting", TEXT.awaitingMembers];
  assertEquals(await cut({ get_cluster_node_count: 1, is_instance_in_cluster: true }), [[], waits, "1"]);
  assertEquals(await cut({ get_cluster_node_count: 2, is_instance_in_cluster: true }), [[], waits, "2"]);
  assertEquals(await cut({ get_cluster_node_count: 0, has_left: true }), [[], waits, "1"], "a new leader has left");
  const whole = await cut({ is_instance_in_cluster: true });
  assertEquals(whole, [[...ALL, "dissolve_cluster"], ["waiting", TEXT.awaitingPrimary], undefined]);
});

Deno.test("data that clients wrote since the relation was made: refused, before a password changes", async () => {
  const late = await offered(OFFER, { mysql: { get_non_system_databases: ["precious"] } });
  assertEquals([changes(late), late.relations["7"]], [[], { "user-data-found": "true" }]);
  assertEquals(late.unitStatus, ["blocked", TEXT.userDataUnit]);
  const last = await offered(OFFER, { mysql: { get_non_system_databases: { $seq: [[], ["precious"]] } } });
  assertEquals([changes(last), last.relations["7"]], [[...ALL, "dissolve_cluster"], { "user-data-found": "true" }]);
  const mysql = { get_non_system_databases: ["precious"] };
  const returning = await offered(OFFER, { mysql, app: { "rejoin-secondaries": "true" } });
  assertEquals([changes(returning), returning.relations["7"]], [[...ALL, "dissolve_cluster"], SENT]);
  assertEquals(returning.peer?.app["rejoin-secondaries"], undefined);
});

Deno.test("the primary's name: this cluster takes another one, however long its own is", async () => {
  for (const own of ["cluster-p", "c".repeat(63)]) {
    const { relations, peer } = await offered({ ...OFFER, "cluster-name": own }, { app: { "cluster-name": own } });
    const name = relations["7"]?.["cluster-name"] ?? "";
    assertEquals([name, name.length <= 63], [`${own.slice(0, 59)}0bad`, true]);
    assertEquals(peer?.app["cluster-name"], name);
  }
});

Deno.test("passwords that change later: users and copies before the cluster is a replica, copies after", async () => {
  const content = { ...passwords("own"), "monitoring-password": "remote-new-one" };
  const secrets = [OWN, { ...SHARED, content }];
  const relations = (offer: EventBag) => [relation("async-replica", SENT, offer)];
  const made = { ...OFFER, "replica-state": "initialized" };
  const before = await offered(OFFER, { secrets }, SENT);
  assertEquals(changes(before), ["update_user_password", "set_secret"]);
  const after = await runEvent("update-status", { relations: relations(made), secrets });
  assertEquals(after.calls, [
    { target: "charm", method: "set_secret", args: ["app", "monitoring-password", "remote-new-one"] },
  ]);
  const same = await runEvent("update-status", {
    relations: relations(made),
    secrets: [OWN, { ...SHARED, content: OWN.content }],
  });
  assertEquals(same.calls, []);
  const revoked = await runEvent("update-status", { relations: relations(made), secrets: [OWN] });
  assertEquals([revoked.error, revoked.calls], [undefined, []]);
  const broken = await runEvent("update-status", {
    relations: relations(made),
    secrets: [OWN, { ...SHARED, content: {} }],
  });
  assertEquals([broken.calls, broken.unitStatus[0]], [[], "blocked"]);
  const member = await runEvent("update-status", { relations: relations(made), secrets, leader: false });
  assertEquals([member.error, member.calls], [undefined, []]);
});

Deno.test("two primaries are one too many", async () => {
  const relations = [relation("async-replica", {}, OFFER), relation("async-replica", {}, OFFER, 8, "third")];
  for (const name of [CHANGED, "async-replica-relation-created"]) {
    const outcome = await runEvent(name, { relationId: 8, relations, secrets: [OWN, SHARED] });
    assertEquals([outcome.calls, outcome.unitStatus], [[], ["blocked", TEXT.twoPrimaries]]);
  }
});

Deno.test("the set's name brings data back only to the set that this cluster was removed from", async () => {
  const created = (app: EventBag, setName: string) =>
    runEvent("async-replica-relation-created", {
      relationId: 7,
      relations: [relation("async-replica", {}, { "cluster-set-name": setName })],
      app,
      mysql: { get_non_system_databases: ["shop"] },
    });
  const removed = { "removed-from-cluster-set": "true" };
  assertEquals((await created(removed, "set-a")).relations["7"], {});
  // Parted after it had answered, and before it knew that it was a replica.
  assertEquals((await created({ ...removed, "async-answered-to": "set-p" }, "set-p")).relations["7"], {});
  const answered = { "async-answered-to": "set-p" };
  for (const [app, setName] of [[removed, "set-p"], [removed, ""], [{}, "set-a"], [answered, "set-p"]] as const) {
    const outcome = await created(app, setName);
    assertEquals(outcome.relations["7"], { "user-data-found": "true" });
    assertEquals(outcome.unitStatus, ["blocked", TEXT.userDataUnit]);
  }
  const nameless = { ...removed, "cluster-set-domain-name": "" };
  assertEquals((await created(nameless, "")).relations["7"], { "user-data-found": "true" });
});

Deno.test("a new leader goes on with what the offer asks for", async () => {
  const elect = (sent: EventBag, offer: EventBag, mysql: Readonly<Record<string, unknown>> = {}) =>
    runEvent("leader-elected", { relations: [relation("async-replica", sent, offer)], secrets: [OWN, SHARED], mysql });
  assertEquals(changes(await elect({}, OFFER)), [...ALL, "dissolve_cluster"]);
  assertEquals((await elect({}, {})).unitStatus, ["waiting", TEXT.awaitingSync]);
  const made = { ...OFFER, "replica-state": "initialized" };
  const recovering = await elect(SENT, made, { get_cluster_node_count: 1 });
  assertEquals(recovering.unitStatus, ["waiting", TEXT.recoveringMembers]);
  assertEquals(
    recovering.peer?.unit,
    { "member-state": "waiting", "member-role": "primary" },
    "it has to join as well",
  );
  const isFirst = { get_cluster_node_count: 1, is_instance_in_cluster: true };
  assertEquals((await elect(SENT, made, isFirst)).peer?.unit["member-state"], "online");
  const refused = await elect({ "user-data-found": "true" }, OFFER);
  assertEquals([refused.calls, refused.unitHistory], [[], []]);
});

Deno.test("a cluster that was dissolved before its set had it, and is related anew, no longer counts as removed", async () => {
  const anew = await offered(OFFER, {
    app: { "removed-from-cluster-set": "true", "units-added-to-cluster": "" },
    unitBag: { "unit-initialized": "" },
    mysql: { get_cluster_node_count: 1, get_member_state: ["offline", "unknown"], was_dissolved: true },
  });
  assertEquals([anew.relations["7"], anew.peer?.app["removed-from-cluster-set"]], [SENT, undefined]);
});

Deno.test("a beginning that was put off is over when this side has answered: the replica has the primary's data", async () => {
  const late = await runEvent("async-replica-relation-created", {
    relationId: 7,
    relations: [relation("async-replica", SENT, { ...OFFER, "replica-state": "initialized" })],
    mysql: { is_cluster_replica: true, get_non_system_databases: ["shop"] },
  });
  assertEquals([late.relations["7"], late.unitStatus], [SENT, ["unknown", ""]]);
});
