/** The decision table of peer-relation-changed, row by row. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { ContractError } from "../../interfaces/database_peers/bags.ts";
import { peersChanged } from "../../interfaces/database_peers/changed.ts";
import { addressOf, clusterOf, listOf, type Table, worldOf } from "./database_peers_table.ts";

const READ_ONLY = "read-only 10.0.0.1:5432,10.0.0.2:5432";
const END = [READ_ONLY, "status active: Primary"];
const RECONFIGURING = "status maintenance: reconfiguring cluster";

async function run(changes: Partial<Table>) {
  const { world, done, nodes } = worldOf(changes);
  const outcome = await peersChanged(world);
  const why = outcome.kind === "deferred" ? outcome.reason : outcome.kind === "blocked" ? outcome.message : "";
  return { kind: outcome.kind, why, done, nodes };
}

/** Unit 2 is in the relation, and neither in Patroni's list nor in the databag's. */
const ONE_MISSING: Partial<Table> = {
  members: listOf(0, 1),
  cluster: [clusterOf({ 0: "running", 1: "running" })],
};

Deno.test("row 1: not initialised: deferred, and nothing else, whoever leads", async () => {
  for (const leader of [true, false]) {
    const { kind, why, done, nodes } = await run({ initialised: false, leader });
    assertEquals(kind, "deferred");
    assertMatch(why, /since 00:00:00Z$/);
    assertEquals(done, [`status waiting: ${why}`]);
    assertEquals(nodes.length, 2);
  }
});

Deno.test("row 2: the cluster cannot be asked: deferred, and the rest still runs", async () => {
  const { kind, why, done } = await run({ cluster: [undefined] });
  assertEquals([kind, why], ["deferred", "Patroni does not tell its members"]);
  assertEquals(done, ["config", "status waiting: no primary in the cluster"]);
});

Deno.test("row 3: names are equal: nothing is added", async () => {
  const { kind, done } = await run({});
  assertEquals([kind, done], ["done", ["config", ...END]]);
});

Deno.test("row 3: a member that the list has lost is listed again", async () => {
  const { kind, done } = await run({ members: listOf(0, 1) });
  assertEquals(kind, "done");
  assertEquals(done, [RECONFIGURING, `list ${[0, 1, 2].map(addressOf)}`, "synchronous for 3", "config", ...END]);
});

Deno.test("row 4: a member that is not ready: the one deferral that does not stop", async () => {
  for (const state of ["creating replica", "starting", "stopping", "stopped", "crashed", "start failed"] as const) {
    const { kind, why, done } = await run({ ...ONE_MISSING, cluster: [clusterOf({ 0: "running", 1: state })] });
    assertEquals(kind, "deferred");
    assertStringIncludes(why, `pg-1 (${state}) since 00:00:00Z`);
    assertEquals(done, ["config", "read-only 10.0.0.0:5432", "status active: Primary (degraded)"]);
  }
});

Deno.test("row 4: nobody leads: not ready", async () => {
  const cluster = [clusterOf({ 0: "running", 1: "running" }, -1)];
  const { kind, why } = await run({ ...ONE_MISSING, cluster });
  assertEquals(kind, "deferred");
  assertStringIncludes(why, "nobody leads");
});

Deno.test("row 4: a dead member still seems to run: its own word counts", async () => {
  const { kind, why, done } = await run({ ...ONE_MISSING, health: { [addressOf(0)]: "running" } });
  assertEquals(kind, "deferred");
  assertStringIncludes(why, "pg-1 (does not answer)");
  assertEquals(done.filter((step) => step.startsWith("list")), []);
});

Deno.test("row 4: Patroni knows more members than there are units: nobody to add", async () => {
  const more = { 0: "running", 1: "running", 2: "running", 3: "stopped" } as const;
  const waiting = await run({ cluster: [clusterOf(more)] });
  assertEquals(waiting.kind, "deferred");
  const { kind, done } = await run({
    cluster: [clusterOf({ ...more, 3: "running" })],
    health: Object.fromEntries([0, 1, 2, 3].map((number) => [addressOf(number), "running"])),
  });
  assertEquals([kind, done], ["done", ["config", ...END]]);
});

Deno.test("row 5: all are ready: the missing unit is listed, and replicas become synchronous", async () => {
  const { kind, done } = await run(ONE_MISSING);
  assertEquals(kind, "done");
  assertEquals(done, [
    RECONFIGURING,
    `list ${[0, 1, 2].map(addressOf)}`,
    "synchronous for 3",
    "config",
    "read-only 10.0.0.1:5432",
    "status active: Primary (degraded)",
  ]);
});

Deno.test("row 5: a unit that is listed and not seen yet is not listed twice", async () => {
  const { done } = await run({ ...ONE_MISSING, members: listOf(0, 1, 2) });
  assertEquals(done.filter((step) => step.startsWith("list")), []);
});

Deno.test("row 5: two units, by number, unless the first has begun to copy", async () => {
  const alone = clusterOf({ 0: "running" });
  const both = await run({ members: listOf(0), cluster: [alone] });
  assertEquals(both.done.filter((step) => step.startsWith("list")), [
    `list ${[0, 1].map(addressOf)}`,
    `list ${[0, 1, 2].map(addressOf)}`,
  ]);
  const copying = clusterOf({ 0: "running", 1: "creating replica" });
  const { kind, done } = await run({ members: listOf(0), cluster: [alone, copying] });
  assertEquals(kind, "deferred");
  assertEquals(done.filter((step) => step.startsWith("list")), [`list ${[0, 1].map(addressOf)}`]);
});

Deno.test("row 5: a unit without an address waits, and does not hold up the others", async () => {
  const { done } = await run({ members: listOf(0), others: [100, 1], cluster: [clusterOf({ 0: "running" })] });
  assertEquals(done.filter((step) => step.startsWith("list")), [`list ${[0, 1].map(addressOf)}`]);
});

Deno.test("row 5: the number of synchronous replicas is not taken: deferred, and the rest still runs", async () => {
  const { kind, done } = await run({ ...ONE_MISSING, synchronous: false });
  assertEquals(kind, "deferred");
  assertEquals(done.at(-1), "status active: Primary (degraded)");
});

Deno.test("row 5 on Kubernetes: pods get labels, and a failure blocks and is not deferred", async () => {
  const changes: Partial<Table> = { ...ONE_MISSING, substrate: "kubernetes" };
  assertEquals((await run(changes)).done.filter((step) => step.startsWith("label")), ["label pg-2"]);
  const { kind, why, done } = await run({ ...changes, members: listOf(0), labels: "Forbidden" });
  assertEquals([kind, why], ["blocked", "failed to patch pod with error Forbidden"]);
  assertEquals(done.filter((step) => step.startsWith("label")).length, 1);
  assertEquals(done.includes("config"), false);
});

Deno.test("row 6: not listed: stops without another status", async () => {
  const { kind, done } = await run({ leader: false, members: listOf(1, 2) });
  assertEquals([kind, done], ["done", []]);
});

Deno.test("row 6: the deferral of row 4 stays when this unit is not listed", async () => {
  const cluster = [clusterOf({ 1: "running", 2: "creating replica" }, 1)];
  assertEquals((await run({ members: listOf(1), cluster })).kind, "deferred");
});

Deno.test("row 7: invalid configuration blocks; a failure shows and stops", async () => {
  const invalid = await run({ applied: { kind: "blocked", why: "mend it" } });
  assertEquals([invalid.kind, invalid.why, invalid.done], ["blocked", "mend it", ["config"]]);
  const failed = await run({ applied: { kind: "failed", why: "no answer" } });
  assertEquals(failed.kind, "done");
  assertEquals(failed.done, ["config", "status maintenance: the configuration is not applied: no answer"]);
});

Deno.test("row 8: TLS is switched: marked, reloaded, and the lock asked for once", async () => {
  const on = { tlsWanted: true, tlsMarked: false, tlsOn: false };
  assertEquals((await run(on)).done, ["config", "mark tls true", "reload", "ask for restart", ...END]);
  assertEquals((await run({ ...on, restartPending: true })).done.includes("restart is asked for"), true);
  const off = { tlsWanted: false, tlsMarked: true, tlsOn: true };
  assertEquals((await run(off)).done.slice(1, 4), ["mark tls false", "reload", "ask for restart"]);
});

Deno.test("row 8: a hook that was killed after its reload asks again, although the server has switched", async () => {
  const { done } = await run({ tlsWanted: true, tlsMarked: false, tlsOn: true });
  assertEquals(done.includes("ask for restart"), true);
});

Deno.test("row 8: the local server differs from the mark; one that does not answer is left alone", async () => {
  const differs = await run({ tlsWanted: true, tlsMarked: true, tlsOn: false });
  assertEquals(differs.done.includes("ask for restart"), true);
  const silent = await run({ tlsWanted: true, tlsMarked: true, tlsOn: undefined });
  assertEquals(silent.done.includes("ask for restart"), false);
});

Deno.test("row 9: the own member has not started: waiting and deferred, and nothing after it", async () => {
  for (const state of ["creating replica", "stopped", "crashed"] as const) {
    const { kind, why, done } = await run({ leader: false, health: { [addressOf(0)]: state } });
    assertEquals([kind, why], ["deferred", `awaiting for member to start: pg/0 (${state}) since 00:00:00Z`]);
    assertEquals(done, ["config", `status waiting: ${why}`]);
  }
  const silent = await run({ leader: false, health: {} });
  assertStringIncludes(silent.why, "pg/0 (no answer)");
});

Deno.test("row 9: a server that is starting counts as started", async () => {
  assertEquals((await run({ leader: false, health: { [addressOf(0)]: "starting" } })).kind, "done");
});

Deno.test("rows 4 and 9 together: one deferral with both reasons", async () => {
  const cluster = [clusterOf({ 0: "starting", 1: "running" }, 1)];
  const { kind, why } = await run({ ...ONE_MISSING, cluster, health: { [addressOf(0)]: "stopped" } });
  assertEquals(kind, "deferred");
  assertMatch(why, /members: pg-0 \(starting\).*; awaiting for member to start: pg\/0 \(stopped\)/);
});

Deno.test("row 10: the leader sees no primary, or knows nothing new", async () => {
  const nobody = await run({ cluster: [clusterOf({ 0: "running", 1: "running", 2: "running" }, -1)] });
  assertEquals(nobody.done, ["config", "status waiting: no primary in the cluster"]);
  const demoted = await run({ primary: "" });
  assertEquals(demoted.done, ["config", "status waiting: no primary in the cluster"]);
  const stale = await run({ stalenessMs: 60_000 });
  assertEquals(stale.done, ["config", "status waiting: no primary in the cluster"]);
});

Deno.test("row 11: other units tell no clients, and are active without a word", async () => {
  const { kind, done } = await run({ leader: false, primary: addressOf(1) });
  assertEquals([kind, done], ["done", ["config", "status active"]]);
});

Deno.test("row 11: without replicas clients read from the primary", async () => {
  const alone = { others: [], members: listOf(0), cluster: [clusterOf({ 0: "running" })], planned: 1 };
  assertEquals((await run(alone)).done, ["config", "read-only 10.0.0.0:5432", "status active: Primary"]);
});

Deno.test("row 11 on Kubernetes: clients get the name of the service", async () => {
  const done = (await run({ substrate: "kubernetes", members: listOf(0, 1, 2) })).done;
  assertEquals(done.includes("read-only pg-replicas:5432"), true);
});

Deno.test("a list that breaks the contract stops everything, and is not overwritten", async () => {
  const long = JSON.stringify(Array.from({ length: 10_000 }, (_, number) => `10.1.${number >> 8}.${number & 255}`));
  for (const members of ["{", "7", '"10.0.0.1"', '["10.0.0.1", 7]', '["pg; DROP TABLE x"]', '["a\\nb"]', long]) {
    const { world, done } = worldOf({ members });
    const error = await assertRejects(() => peersChanged(world), ContractError);
    assertEquals(done, []);
    assertEquals(error.message.includes("DROP"), false);
  }
});

Deno.test("duplicates in the list count once, and foreign addresses stay", async () => {
  const members = JSON.stringify([addressOf(0), addressOf(0), "192.0.2.1", addressOf(1)]);
  const { done } = await run({ ...ONE_MISSING, members });
  assertEquals(done[1], `list ${addressOf(0)},192.0.2.1,${addressOf(1)},${addressOf(2)}`);
});

Deno.test("row 11: a primary that runs again is not missed because Patroni's list is older", async () => {
  const { done } = await run({ cluster: [clusterOf({ 0: "restarting", 1: "running", 2: "running" })] });
  assertEquals(done.at(-1), "status active: Primary");
});
