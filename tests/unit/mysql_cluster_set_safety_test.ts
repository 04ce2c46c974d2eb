import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AuthenticationError, ClientError, NoQuorumError, UnreachableError } from "../../interfaces/clients/errors.ts";
import { openCluster } from "../../interfaces/clients/mysql/cluster_set/access.ts";
import { stopChannel } from "../../interfaces/clients/mysql/cluster_set/channel.ts";
import { ClusterSetLockedError, ClusterSetRefusedError } from "../../interfaces/clients/mysql/cluster_set/errors.ts";
import { isWritesFenced, unfenceWrites } from "../../interfaces/clients/mysql/cluster_set/fence.ts";
import { closeIfLeftBehind } from "../../interfaces/clients/mysql/cluster_set/left_behind.ts";
import { promoteCluster } from "../../interfaces/clients/mysql/cluster_set/promote.ts";
import { removeReplicaCluster } from "../../interfaces/clients/mysql/cluster_set/remove.ts";
import { forceQuorumInSet } from "../../interfaces/clients/mysql/cluster_set/quorum.ts";
import { changeRecord } from "../../interfaces/clients/mysql/cluster_set/records.ts";
import { createReplicaCluster } from "../../interfaces/clients/mysql/cluster_set/replica.ts";
import { askBeforeStart } from "../../interfaces/clients/mysql/cluster_set/start.ts";
import { openSetPrimary } from "../../interfaces/clients/mysql/cluster_set/state.ts";
import { clusterStatus } from "../../interfaces/clients/mysql/cluster_set/status.ts";
import { GROUPS, type Script, type Scripted, scripted, unreachable } from "./mysql_cluster_set_script.ts";

const REFUSED = new AuthenticationError("MySQL at 127.0.0.1:1 does not let the user in; check user and password");
const GONE = unreachable("127.0.0.1:1");
const PRIMARY_A: Script = { view: 4, primary: "a", open: true };
const REPLICA_B: Script = { view: 4, primary: "a", hasChannel: true };

function opened({ changes }: Scripted): readonly string[] {
  return changes.filter((change) => /unlock|open/.test(change));
}

for (
  const [what, own, other, why] of [
    ["its view is older", 3, { view: 4, primary: "b", invalidated: "a", open: true }, "invalidated"],
    ["both views are the same", 4, { view: 4, primary: "b", invalidated: "a", open: true }, "rival"],
    ["both views are the same, and nobody writes", 4, { view: 4, primary: "b", invalidated: "a" }, "rival"],
    ["its view is newer", 5, { view: 4, primary: "b", invalidated: "a", open: true }, "rival"],
    ["the other has not heard of a switchover yet", 5, { view: 4, primary: "b" }, "primary"],
  ] as const
) {
  Deno.test(`cluster set: a primary that starts when another was promoted: ${what}`, async () => {
    const { access, connect } = scripted({ a: { view: own, primary: "a", runs: false }, b: other });
    assertEquals((await askBeforeStart(access, connect("a"))).why, why);
  });
  Deno.test(`cluster set: a fenced primary when another was promoted: ${what}`, async () => {
    const world = scripted({ a: { view: own, primary: "a" }, b: other });
    const unfence = unfenceWrites(world.access, world.connect("a"));
    if (why === "primary") assertEquals(await unfence, true);
    else await assertRejects(() => unfence, ClusterSetRefusedError);
    assertEquals(opened(world).length > 0, why === "primary");
  });
}

Deno.test("cluster set: writes are not let in while the set is being changed at the other cluster", async () => {
  const world = scripted({ a: { view: 4, primary: "a" }, b: { ...REPLICA_B, holder: "porto/1" } });
  const error = await assertRejects(() => unfenceWrites(world.access, world.connect("a")), ClusterSetLockedError);
  assertEquals([error.holder, opened(world)], ["porto/1", []]);
});

Deno.test("cluster set: a view is higher than all that are known, and after a loss than all that will be", async () => {
  for (
    const [own, known, invalidated, view] of [
      [5, 5, [], 6],
      [5, 9, [], 10],
      [5, 5, ["a"], 65_536],
      [65_540, 65_540, ["a"], 131_072],
      [5, 65_536, ["a"], 131_072],
    ] as const
  ) {
    const { connect, statements } = scripted({ a: PRIMARY_A, b: { ...REPLICA_B, view: own } });
    await changeRecord(connect("b"), "set", { kind: "roles", primary: "b", invalidated, viewId: known });
    const [written] = statements.filter((statement) => statement.includes("view_id"));
    assert(written?.includes(`view_id = ${view}\n`), written);
  }
});

Deno.test("cluster set: a cluster that lets us not in is not taken for one that is gone", async () => {
  const address = { host: "127.0.0.1", port: 1 };
  const other = { host: "127.0.0.1", port: 2 };
  const open = (a: Script, b: Script) => openCluster(scripted({ a, b }).access, [address, other]);
  await assertRejects(() => open({ ...PRIMARY_A, fails: REFUSED }, { ...REPLICA_B, fails: GONE }), AuthenticationError);
  await assertRejects(() => open({ ...PRIMARY_A, fails: GONE }, { ...REPLICA_B, fails: GONE }), UnreachableError);
  const stopped = { ...REPLICA_B, runs: false };
  await assertRejects(() => open({ ...PRIMARY_A, fails: REFUSED }, stopped), AuthenticationError);
  await assertRejects(() => open({ ...PRIMARY_A, fails: GONE }, stopped), NoQuorumError);
});

Deno.test("cluster set: a cluster whose secondary ends while it is asked is not taken for one that is gone", async () => {
  const world = scripted({ a: PRIMARY_A, b: REPLICA_B }, (operation) => {
    if (operation === "b: read the group's members") throw GONE;
  });
  const known = [1, 2].map((port) => ({ host: "127.0.0.1", port }));
  await using cluster = await openCluster(world.access, known);
  assertEquals([cluster.primary.port, cluster.secondaries], [1, []]);
});

Deno.test("cluster set: by force no cluster is promoted while the primary's servers run and let us not in", async () => {
  const world = scripted({ a: { ...PRIMARY_A, fails: REFUSED }, b: REPLICA_B });
  const promote = () => promoteCluster(world.access, world.connect("b"), { clusterName: "b", force: true });
  await assertRejects(promote, ClusterSetRefusedError, "may take writes");
  assertEquals(opened(world), []);
});

Deno.test("cluster set: a replica's own word that it is the primary is not enough", async () => {
  const stale: Script = { view: 4, primary: "b", hasChannel: true };
  const world = scripted({ a: { ...PRIMARY_A, view: 5, fails: GONE }, b: stale });
  const promote = () => promoteCluster(world.access, world.connect("b"), { clusterName: "b" });
  await assertRejects(promote, ClusterSetRefusedError, "cannot be asked");
  assertEquals(opened(world), []);
});

Deno.test("cluster set: between fenced and open it is fenced", async () => {
  const { access, connect } = scripted({ a: PRIMARY_A, b: REPLICA_B });
  assertEquals(await isWritesFenced(access, connect("a")), false);
  assertEquals(await isWritesFenced(access, connect("b")), false);
  for (const unlocked of [false, true]) {
    const fenced = scripted({ a: { ...PRIMARY_A, open: false, unlocked }, b: REPLICA_B });
    assertEquals(await isWritesFenced(fenced.access, fenced.connect("a")), true, `${unlocked}`);
  }
});

Deno.test("cluster set: a site that does not answer is waited for once, and not for long", async () => {
  const world = scripted({ a: PRIMARY_A, b: { ...REPLICA_B, fails: GONE } });
  const status = await clusterStatus(world.access, world.connect("a"), "b", { connectMs: 2000 });
  assertEquals([status.status, status.why], ["unknown", unreachable("127.0.0.1:2").message]);
  assertEquals(world.attempts, ["b 2000"]);
  const replica = scripted({ a: { ...PRIMARY_A, fails: GONE }, b: REPLICA_B });
  await assertRejects(() => openSetPrimary(replica.access, replica.connect("b"), 2000), ClientError, "no answer");
  assertEquals(replica.attempts, ["a 2000"]);
  const third = scripted({ a: PRIMARY_A, b: { ...REPLICA_B, fails: GONE } });
  const made = { clusterName: "c", endpoint: { host: "127.0.0.1", port: 2 }, label: "c0", patienceMs: 1 };
  await assertRejects(() => createReplicaCluster(third.access, third.connect("a"), made), UnreachableError);
  assertEquals(third.attempts.at(-1), "b 2000");
  const removed = scripted({ a: PRIMARY_A, b: { ...REPLICA_B, fails: GONE } });
  const force = { clusterName: "b", force: true, lookMs: 2000 };
  assertEquals(await removeReplicaCluster(removed.access, removed.connect("a"), force), true);
  assertEquals(removed.attempts.filter((attempt) => attempt.startsWith("b")), ["b 2000"]);
});

Deno.test("cluster set: of a cluster that runs, a server that did not answer a moment ago is not tried again", async () => {
  const world = scripted({ a: PRIMARY_A, b: { ...REPLICA_B, fails: GONE } });
  const known = [{ host: "127.0.0.1", port: 1 }, { host: "127.0.0.1", port: 2 }];
  await using _ = await openCluster(world.access, known, 2000, [{ endpoint: "127.0.0.1:2", error: GONE }]);
  assertEquals(world.attempts, ["a 2000"]);
  // What it said then still counts: it may take writes.
  const stopped = scripted({ a: { ...REPLICA_B, runs: false }, b: REPLICA_B });
  const open = () => openCluster(stopped.access, known, 2000, [{ endpoint: "127.0.0.1:2", error: REFUSED }]);
  await assertRejects(open, AuthenticationError);
});

const PROMOTED: Script = { view: 65_536, primary: "b", open: true };

for (
  const [what, own, other, closes] of [
    ["is left behind", PRIMARY_A, { ...PROMOTED, invalidated: "a" }, true],
    ["was also removed from the set", PRIMARY_A, { ...PROMOTED, removed: "a" }, true],
    ["is the primary", PRIMARY_A, REPLICA_B, false],
    ["is closed already", { ...PRIMARY_A, open: false }, { ...PROMOTED, removed: "a" }, false],
  ] as const
) {
  Deno.test(`cluster set: a cluster that ${what} closes itself: ${closes}`, async () => {
    const { access, connect, changes } = scripted({ a: own, b: other });
    assertEquals(await closeIfLeftBehind(access, connect("a")), closes ? "b" : undefined);
    assertEquals(changes.includes("a: close the server"), closes);
  });
}

Deno.test("cluster set: a cluster that is promoted while it is asked whether it was left behind stays open", async () => {
  const scripts: Record<"a" | "b", Script> = { a: { view: 4, primary: "a" }, b: { ...REPLICA_B, unlocked: true } };
  const world = scripted(scripts, (operation) => {
    if (operation === "a: look who changes the cluster set") scripts.b = PROMOTED;
  });
  assertEquals(await closeIfLeftBehind(world.access, world.connect("b")), undefined);
  assertEquals(world.changes, []);
});

Deno.test("cluster set: writes are not let in when another was promoted, and fenced, a moment before the lock", async () => {
  const scripts: Record<"a" | "b", Script> = { a: { view: 4, primary: "a" }, b: REPLICA_B };
  const world = scripted(scripts, (operation) => {
    if (operation === "a: lock the cluster set") scripts.b = { view: 5, primary: "b" };
  });
  const unfence = () => unfenceWrites(world.access, world.connect("a"));
  await assertRejects(unfence, ClusterSetRefusedError, "b is the primary cluster");
  assertEquals(opened(world), []);
});

for (
  const [what, meanwhile, error] of [
    ["nothing", REPLICA_B, undefined],
    ["another is promoted", { ...PROMOTED, invalidated: "a" }, "b is the primary cluster"],
    ["another is being promoted", { ...REPLICA_B, holder: "porto/1" }, "by porto/1"],
  ] as const
) {
  Deno.test(`cluster set: a cluster goes on with the members that are left, meanwhile: ${what}`, async () => {
    const scripts: Record<"a" | "b", Script> = { a: PRIMARY_A, b: REPLICA_B };
    const world = scripted(scripts, (operation) => {
      if (operation === "a: take members as they come") scripts.b = meanwhile;
      if (operation === "a: close the server") scripts.a = { ...PRIMARY_A, open: false };
      if (operation === "a: open the server") scripts.a = PRIMARY_A;
    });
    const force = forceQuorumInSet(world.access, world.connect("a"));
    if (error === undefined) assertEquals((await force).why, "primary");
    else await assertRejects(() => force, ClusterSetRefusedError, error);
    assert(world.changes.includes("a: close the server"));
    assertEquals(scripts.a.open, error === undefined);
  });
}

Deno.test("cluster set: a cluster does not go on with the members that are left when another cannot be asked", async () => {
  const world = scripted({ a: PRIMARY_A, b: { ...REPLICA_B, fails: GONE } });
  assertEquals((await forceQuorumInSet(world.access, world.connect("a"))).why, "unasked");
  assertEquals(world.changes, []);
});

const STUCK: Script = { ...REPLICA_B, stuck: "1-9" };
const FORCE = { clusterName: "b", force: true, patienceMs: 1 };

Deno.test("cluster set: what a replica has received and cannot execute is given up with a primary that is gone", async () => {
  const world = scripted({ a: { ...PRIMARY_A, fails: GONE }, b: STUCK });
  await assertRejects(() => promoteCluster(world.access, world.connect("b"), { ...FORCE, force: false }), ClientError);
  assertEquals(opened(world), []);
  const { notExecuted, invalidated } = await promoteCluster(world.access, world.connect("b"), FORCE);
  assertEquals([notExecuted, invalidated], [`${GROUPS.a}:1-9`, ["a"]]);
  assertEquals(opened(world), ["b: unlock the server", "b: open the server"]);
});

for (const dies of [false, true]) {
  Deno.test(`cluster set: a replica that cannot execute what it has received, the primary runs and then dies: ${dies}`, async () => {
    const scripts: Record<"a" | "b", Script> = { a: PRIMARY_A, b: STUCK };
    let waits = 0;
    const world = scripted(scripts, (operation) => {
      if (operation === "a: close the server") scripts.a = { ...PRIMARY_A, open: false };
      if (operation === "a: open the server") scripts.a = PRIMARY_A;
      if (operation === "b: wait for transactions") waits++;
      if (waits === 2 && dies) scripts.a = { ...PRIMARY_A, open: false, fails: GONE };
    });
    const promote = () => promoteCluster(world.access, world.connect("b"), FORCE);
    if (dies) {
      assertEquals((await promote()).notExecuted, `${GROUPS.a}:1-9`);
      assertEquals(opened(world).at(-1), "b: open the server");
    } else {
      await assertRejects(promote, ClusterSetRefusedError, "a runs, and b cannot execute");
      assertEquals(opened(world), ["a: unlock the server", "a: open the server"]);
      assertEquals(scripts.a, PRIMARY_A);
    }
  });
}

Deno.test("cluster set: an applier with an error is not waited for, one that only takes its time is", async () => {
  const gone = { ...PRIMARY_A, fails: GONE };
  const patienceMs = 3000;
  const failed = scripted({ a: gone, b: STUCK });
  await promoteCluster(failed.access, failed.connect("b"), { ...FORCE, patienceMs });
  const slow = scripted({ a: gone, b: { ...STUCK, applies: true } });
  await promoteCluster(slow.access, slow.connect("b"), { ...FORCE, patienceMs });
  assertEquals([failed.waits.length, slow.waits.length], [1, patienceMs / 1000]);
  for (const wait of [...failed.waits, ...slow.waits]) assertMatch(wait, /, 1\)/, "seconds of one wait");
});

Deno.test("cluster set: a channel is stopped when it does not ask the source's members just then", async () => {
  const scripts: Record<"a" | "b", Script> = { a: PRIMARY_A, b: { ...STUCK, asks: true } };
  let looks = 0;
  const world = scripted(scripts, (operation) => {
    if (operation.startsWith("b: look whether the channel asks") && ++looks === 3) scripts.b = STUCK;
    if (operation === "b: stop receiving") assertEquals(looks, 3);
  });
  await stopChannel(world.connect("b"), { drain: false, patienceMs: 0 });
  assertEquals(world.changes, ["b: stop receiving", "b: stop the channel"]);
});
