/** The replica side against another side that sends anything, and against hooks that were cut short. */
import { assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { noticeDissolution } from "../../interfaces/async_replication/broken.ts";
import { TEXT } from "../../interfaces/async_replication/texts.ts";
import type { EventBag } from "../conformance/trace_events_format.ts";
import {
  changes,
  type Given,
  inModule,
  OFFER,
  OWN,
  passwords,
  relation,
  runEvent,
  SHARED,
} from "./async_replication_world.ts";

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
  const { peer } = await runEvent("async-replica-relation-broken", {
    relationId: 7,
    relations: [relation("async-replica", {}, OFFER)],
    mysql: isIn,
    app,
  });
  assertEquals(peer?.app["units-added-to-cluster"], "3");
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
  for (const [app, setName] of [[removed, "set-p"], [removed, ""], [{}, "set-a"]] as const) {
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

Deno.test("the end of the relation: waiting is a deferral of 300 s that looks every 10 s", async () => {
  const end = (isIn: unknown) =>
    runEvent("async-replica-relation-broken", {
      relationId: 7,
      relations: [relation("async-replica", SENT, OFFER)],
      mysql: { is_cluster_replica: true, is_instance_in_cluster: isIn },
    });
  const never = await end(true);
  assertEquals([never.waits, never.unitStatus], [30, ["blocked", TEXT.notDissolved]]);
  assertEquals([never.peer?.app["removed-from-cluster-set"], never.deferred], [undefined, []]);
  const later = await end({ $seq: [true, true, false] });
  assertEquals([later.waits, later.unitStatus], [2, ["blocked", TEXT.standalone]]);
  assertEquals(later.peer?.app["removed-from-cluster-set"], "true");
  assertEquals(later.calls.filter(({ method }) => method === "is_cluster_replica").length, 1);
});

Deno.test("a cluster that its set no longer has is ended by its own leader, and only by it", async () => {
  const end = (mysql: Readonly<Record<string, unknown>>, given: Given = {}) =>
    runEvent("async-replica-relation-broken", {
      relationId: 7,
      relations: [relation("async-replica", SENT, OFFER)],
      mysql: { is_cluster_replica: true, is_instance_in_cluster: { $seq: [true, false] }, was_removed: true, ...mysql },
      ...given,
    });
  const ended = await end({});
  assertEquals([ended.waits, changes(ended), ended.unitStatus], [0, ["dissolve_cluster"], [
    "blocked",
    TEXT.standalone,
  ]]);
  assertEquals(ended.peer?.app["removed-from-cluster-set"], "true");
  const member = await end({}, { leader: false });
  assertEquals([member.waits, changes(member), member.unitStatus], [1, [], ["blocked", TEXT.standalone]]);
  // Made anew to return to its set, and unrelated before it got there: closed, and no primary.
  const passing = await end({ is_cluster_replica: false }, { app: { "rejoin-secondaries": "true" } });
  assertEquals([changes(passing), passing.unitStatus], [["dissolve_cluster"], ["blocked", TEXT.standalone]]);
  const { "removed-from-cluster-set": removed, "rejoin-secondaries": rejoins } = passing.peer?.app ?? {};
  assertEquals([removed, rejoins], ["true", undefined]);
  const own = await end({ is_cluster_replica: false, was_removed: false }, { app: { "rejoin-secondaries": "true" } });
  assertEquals(
    [changes(own), own.waits],
    [["remove_replica_cluster"], 0],
    "a cluster that takes writes is the primary",
  );
});

Deno.test("a cluster that was dissolved when nobody waited any more is noticed", async () => {
  const notice = async (given: Given) => {
    let app: EventBag = {};
    const [unit] = await inModule("async-replica", given, async (at) => {
      await noticeDissolution(at);
      app = await at.peer.app();
    });
    return [unit, app["removed-from-cluster-set"]];
  };
  const nothing = [["unknown", ""], undefined];
  assertEquals(await notice({ mysql: { was_dissolved: true } }), [["blocked", TEXT.standalone], "true"]);
  assertEquals(await notice({ mysql: { was_dissolved: true }, leader: false }), [
    ["blocked", TEXT.standalone],
    undefined,
  ]);
  assertEquals(await notice({ mysql: { is_instance_in_cluster: true, was_dissolved: true } }), nothing);
  assertEquals(await notice({}), nothing, "a server that is down has not left its cluster");
  const relations = [relation("async-replica", SENT, OFFER)];
  assertEquals(await notice({ mysql: { was_dissolved: true }, relations }), nothing);
});
