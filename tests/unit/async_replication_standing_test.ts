/** What the module says when the charm reports its status anew, and what `--explain` says. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ValueError } from "../../hooks/errors.ts";
import { done } from "../../hooks/outcome.ts";
import { explainPrimary, explainReplica } from "../../interfaces/async_replication/explain.ts";
import { ClusterSetBusyError, ClusterSetError } from "../../interfaces/async_replication/cluster_server.ts";
import { inHook } from "../../interfaces/async_replication/replication.ts";
import { reportStanding } from "../../interfaces/async_replication/standing.ts";
import { recoveringText, TEXT } from "../../interfaces/async_replication/texts.ts";
import { AuthenticationError, InputError, ReplyError } from "../../interfaces/clients/errors.ts";
import { NotDoneError } from "../../interfaces/clients/mysql/errors.ts";
import { ANSWER, type Given, inModule, OFFER, relation } from "./async_replication_world.ts";

const SENT = { "cluster-name": "cluster-a", endpoint: "10.0.0.10", "node-label": "mysql-0" };
const MADE = { ...OFFER, "replica-state": "initialized" };
const OFFERED = { "secret-id": "secret:ours" };
const NOTHING = ["unknown", ""];
const WELL = ["active", ""];
const SETTING_UP = ["maintenance", TEXT.settingUp];

const primary = (given: Given) => inModule("async-primary", given, (at) => reportStanding(at, "primary"));
const replica = (given: Given) => inModule("async-replica", given, (at) => reportStanding(at, "replica"));
const withStatus = (status: string | null) =>
  primary({
    relations: [relation("async-primary", OFFERED, ANSWER)],
    mysql: { get_replica_cluster_status: status },
  });

Deno.test("the primary side: the first relation that waits for something speaks", async () => {
  assertEquals(await primary({}), [NOTHING, WELL]);
  assertEquals(await primary({ unitBag: { "unit-initialized": "" } }), [NOTHING, NOTHING]);
  assertEquals(await withStatus("ok"), [NOTHING, WELL]);
  assertEquals(await withStatus("unknown"), [NOTHING, SETTING_UP]);
  assertEquals(await withStatus("ok_not_replicating"), [["maintenance", TEXT.notFollowing], SETTING_UP]);
  assertMatch(TEXT.notFollowing, /run rejoin-cluster/);
  assertEquals(await withStatus("not_ok"), [["maintenance", recoveringText("not_ok")], SETTING_UP]);
  const relations = [
    relation("async-primary", {}, {}),
    relation("async-primary", { "is-replica": "true" }, {}, 8, "x"),
  ];
  assertEquals((await primary({ relations }))[0], ["blocked", TEXT.unrelate("async-primary")]);
  assertEquals(await primary({ relations, leader: false }), [NOTHING, NOTHING]);
});

Deno.test("the replica side: by the relation, and without one by what became of the cluster", async () => {
  const related = (sent: Readonly<Record<string, string>>, offer: Readonly<Record<string, string>>, nodes = 3) =>
    replica({ relations: [relation("async-replica", sent, offer)], mysql: { get_cluster_node_count: nodes } });
  assertEquals(await related(SENT, MADE), [NOTHING, WELL]);
  assertEquals((await related(SENT, MADE, 1))[0], ["waiting", TEXT.recoveringMembers]);
  assertEquals((await related({}, OFFER))[0], ["waiting", TEXT.awaitingSync]);
  assertEquals((await related({ "user-data-found": "true" }, OFFER))[0], ["blocked", TEXT.userDataUnit]);
  const removed = { app: { "removed-from-cluster-set": "true" }, mysql: { is_cluster_replica: null } };
  assertEquals(await replica(removed), [["blocked", TEXT.standalone], ["blocked", TEXT.recreateOrRejoin]]);
  assertEquals((await replica({ mysql: { is_cluster_replica: true } }))[0], ["blocked", TEXT.notDissolved]);
  const overtaken = { relations: [relation("async-primary", OFFERED, ANSWER)], mysql: { is_cluster_replica: true } };
  assertEquals(await replica(overtaken), [NOTHING, WELL]);
  assertEquals(await replica({}), [NOTHING, WELL]);
});

Deno.test("explain: the state by the databags, or what the server is asked", async () => {
  const lines: string[] = [];
  const explain = (given: Given) =>
    inModule("async-primary", given, async ({ ctx }) => {
      lines.push(...await explainPrimary(ctx), ...await explainReplica(ctx));
    });
  const relations = [
    relation("async-primary", {}, {}),
    relation("async-primary", OFFERED, ANSWER, 8, "third"),
    relation("async-replica", {}, OFFER, 9, "fourth"),
    relation("async-replica", SENT, MADE, 10, "fifth"),
  ];
  await explain({ relations });
  assertEquals(lines, [
    "relation 7 is uninitialized",
    "relation 8 is initializing, recovery or ready: the status of the replica cluster decides",
    "relation 9 is syncing",
    "relation 10 is recovery or ready: whether every unit is an online member decides",
  ]);
  lines.length = 0;
  await explain({ relations, leader: false });
  assertEquals(lines.map((line) => line.split(":")[0]), ["this unit does not lead", "this unit does not lead"]);
});

Deno.test("what the server cannot do now is tried again, what it refuses is shown, and other errors are errors", async () => {
  const seen = async (error: Error): Promise<readonly unknown[]> => {
    let outcome: unknown;
    const source = {
      needs: [],
      open: () => {
        throw error;
      },
    };
    const [unit] = await inModule("async-replica", {}, async ({ ctx }) => {
      outcome = await inHook(source, ctx, () => Promise.resolve(done));
    });
    return [outcome, unit];
  };
  const again = (reason: string) => ({ kind: "deferred", reason, retryAfterMs: 0 });
  assertEquals(await seen(new NotDoneError("not done")), [again("not done"), NOTHING]);
  assertEquals(await seen(new ValueError("not set up")), [again("not set up"), NOTHING]);
  assertEquals(await seen(new ClusterSetBusyError("busy")), [again("busy"), ["waiting", "busy"]]);
  for (const error of [new InputError("no"), new ReplyError("no"), new AuthenticationError("no")]) {
    assertEquals(await seen(error), [{ kind: "blocked", message: "no" }, NOTHING]);
  }
  assertEquals(await seen(new ClusterSetError("no")), [{ kind: "blocked", message: "no" }, NOTHING]);
  await assertRejects(() => seen(new TypeError("a defect")));
});
