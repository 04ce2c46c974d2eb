/** The end of a relation on the replica side, and of a cluster that its set no longer has. */
import { assert, assertEquals } from "@std/assert";
import { broken, noticeDissolution } from "../../interfaces/async_replication/broken.ts";
import { relationsOf } from "../../interfaces/async_replication/replication.ts";
import { TEXT } from "../../interfaces/async_replication/texts.ts";
import type { EventBag } from "../conformance/trace_events_format.ts";
import { changes, type Given, inModule, OFFER, relation, runEvent } from "./async_replication_world.ts";

const SENT = { "cluster-name": "cluster-a", endpoint: "10.0.0.10", "node-label": "mysql-0" };
const ENDED = "async-replication:ended";

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

Deno.test("a server that is down has not left its cluster: the application does not count as removed", async () => {
  const end = (mysql: Readonly<Record<string, unknown>>) =>
    runEvent("async-replica-relation-broken", {
      relationId: 7,
      relations: [relation("async-replica", SENT, OFFER)],
      mysql: { is_cluster_replica: true, has_left: false, ...mysql },
    });
  const others = await end({ nobody_in: false });
  assertEquals([others.waits, others.unitStatus], [30, ["blocked", TEXT.notDissolved]]);
  const { "removed-from-cluster-set": removed, "units-added-to-cluster": added } = others.peer?.app ?? {};
  assertEquals([removed, added], [undefined, "3"]);
  const nobody = await end({ nobody_in: true });
  assertEquals([nobody.waits, nobody.unitStatus], [0, ["blocked", TEXT.standalone]]);
});

Deno.test("a leader whose server never was in the cluster ends the relation when all others have left it", async () => {
  const end = async (mysql: Readonly<Record<string, unknown>>) => {
    const { unitStatus, peer } = await runEvent("async-replica-relation-broken", {
      relationId: 7,
      relations: [relation("async-replica", SENT, OFFER)],
      mysql: { is_cluster_replica: null, has_left: false, nobody_in: true, get_cluster_node_count: 0, ...mysql },
    });
    return [unitStatus, peer?.app["removed-from-cluster-set"]];
  };
  assertEquals(await end({ others_left: false }), [["waiting", TEXT.joinsFirst], undefined], "they are only down");
  assertEquals(await end({ others_left: true }), [["blocked", TEXT.standalone], "true"]);
});

Deno.test("a replica forgets the name of the primary whose relation has ended", async () => {
  const relations = [relation("async-replica", SENT, OFFER)];
  const mysql = { is_cluster_replica: true, is_instance_in_cluster: true };
  let kept: unknown;
  await inModule("async-replica", { relations, mysql }, async (at) => {
    const [ended] = await relationsOf(at.ctx, "requires");
    assert(ended);
    await broken(at, ended);
    kept = at.ctx.storedAs(ENDED).get(undefined, (value) => value);
  });
  assertEquals(kept, undefined);
});

Deno.test("a cluster that has given itself up for a new relation does not stand alone when the old one ends", async () => {
  const end = (leader: boolean) =>
    runEvent("async-replica-relation-broken", {
      relationId: 7,
      leader,
      relations: [relation("async-replica", SENT, OFFER), relation("async-replica", SENT, OFFER, 9)],
      mysql: { is_cluster_replica: null, was_dissolved: true },
      app: { "units-added-to-cluster": "" },
    });
  const { peer, unitStatus, waits } = await end(true);
  assertEquals([peer?.app["removed-from-cluster-set"], unitStatus, waits], [undefined, ["unknown", ""], 0]);
  assertEquals((await end(false)).peer?.app["removed-from-cluster-set"], undefined);
});
