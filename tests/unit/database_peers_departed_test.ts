/** The decision table of peer-relation-departed, row by row. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { peersDeparted } from "../../interfaces/database_peers/departed.ts";
import { addressOf, clusterOf, listOf, type Table, worldOf } from "./database_peers_table.ts";

async function run(changes: Partial<Table>, departing: string | undefined = "pg/3") {
  const { world, done } = worldOf(changes);
  const outcome = await peersDeparted(world, departing);
  return { kind: outcome.kind, why: outcome.kind === "deferred" ? outcome.reason : "", done };
}

/** Unit 3 has left the relation; its address is still listed. */
const LEFT: Partial<Table> = { members: listOf(0, 1, 2, 3) };
const READ_ONLY = "read-only 10.0.0.1:5432,10.0.0.2:5432";

Deno.test("row 1: the unit that goes does nothing, even as the leader", async () => {
  assertEquals(await run(LEFT, "pg/0"), { kind: "done", why: "", done: [] });
});

Deno.test("rows 2 and 5: other units do nothing but what Raft needs", async () => {
  assertEquals(await run({ ...LEFT, leader: false }), { kind: "done", why: "", done: ["raft 10.0.0.3"] });
});

Deno.test("row 3: nobody departs: nothing", async () => {
  const { world, done } = worldOf(LEFT);
  assertEquals((await peersDeparted(world, undefined)).kind, "done");
  assertEquals(done, []);
});

Deno.test("row 4: a Raft partner that cannot be removed: deferred, on every unit", async () => {
  for (const leader of [true, false]) {
    const { kind, why, done } = await run({ ...LEFT, leader, raftRemoved: false });
    assertEquals([kind, done], ["deferred", ["raft 10.0.0.3"]]);
    assertStringIncludes(why, "pg/3");
  }
});

Deno.test("row 6: not initialised: deferred", async () => {
  const { kind, done } = await run({ ...LEFT, initialised: false });
  assertEquals([kind, done], ["deferred", ["raft 10.0.0.3"]]);
});

Deno.test("row 7 on Kubernetes: endpoints are updated, all that left go at once", async () => {
  const pods = (...numbers: number[]) => JSON.stringify(numbers.map((number) => `pg-${number}.pg-endpoints`));
  const { kind, done } = await run({ substrate: "kubernetes", members: pods(3, 4), others: [] });
  assertEquals(kind, "done");
  assertEquals(done.slice(1, 2), ["read-only pg-replicas:5432"]);
  assertEquals(done.filter((step) => step.startsWith("list")), ["list "]);
  assertEquals(done.at(-1), "synchronous for 3");
});

Deno.test("row 8: a machine's address leaves the list when all are ready", async () => {
  const { kind, done } = await run(LEFT);
  assertEquals(kind, "done");
  assertEquals(done, [
    "raft 10.0.0.3",
    READ_ONLY,
    `list ${[0, 1, 2].map(addressOf)}`,
    "config",
    READ_ONLY,
    "synchronous for 3",
  ]);
});

Deno.test("row 8: two that left, one at a time: the second waits when the first removal has shaken the cluster", async () => {
  const ready = clusterOf({ 0: "running", 1: "running", 2: "running" });
  const shaken = clusterOf({ 0: "running", 1: "restarting", 2: "running" });
  const { kind, why, done } = await run({ members: listOf(0, 1, 2, 3, 4), cluster: [ready, ready, shaken] });
  assertEquals(kind, "deferred");
  assertStringIncludes(why, "pg-1 (restarting)");
  assertEquals(done.filter((step) => step.startsWith("list")), [`list ${[0, 1, 2, 4].map(addressOf)}`]);
});

Deno.test("row 8: not all are ready: deferred, and the list stays", async () => {
  const cluster = [clusterOf({ 0: "running", 1: "creating replica", 2: "running" })];
  const { kind, done } = await run({ ...LEFT, cluster });
  assertEquals(kind, "deferred");
  assertEquals(done.filter((step) => step.startsWith("list")), []);
});

Deno.test("row 8: the entry of a member that stopped and is gone is deleted; that of one that runs is not", async () => {
  const stopped = clusterOf({ 0: "running", 1: "running", 2: "running", 3: "stopped" });
  const gone = clusterOf({ 0: "running", 1: "running", 2: "running" });
  const { kind, done } = await run({ ...LEFT, cluster: [stopped, gone] });
  assertEquals(kind, "done");
  assertEquals(done.includes("forget pg-3"), true);
  const runs = clusterOf({ 0: "running", 1: "running", 2: "running", 3: "running" });
  assertEquals((await run({ ...LEFT, cluster: [runs] })).done.includes("forget pg-3"), false);
});

Deno.test("row 8: no primary is left: waiting, and stops", async () => {
  const leading = clusterOf({ 0: "running", 1: "running", 2: "running", 3: "running" }, 3);
  const health = Object.fromEntries([0, 1, 2, 3].map((number) => [addressOf(number), "running" as const]));
  const { world, done } = worldOf({ ...LEFT, cluster: [leading], health });
  // The leader goes between the look and the next one.
  const { cluster } = world.patroni;
  const { applyConfig } = world.machine;
  let applied = false;
  world.machine.applyConfig = () => ((applied = true), applyConfig());
  world.patroni.cluster = async (fresh) =>
    applied ? clusterOf({ 0: "running", 1: "running", 2: "running" }, -1) : await cluster(fresh);
  assertEquals((await peersDeparted(world, "pg/3")).kind, "done");
  assertEquals(done.at(-1), "status waiting: no primary in the cluster");
});

Deno.test("row 9: the number of synchronous replicas is not taken: deferred", async () => {
  assertEquals((await run({ ...LEFT, synchronous: false })).kind, "deferred");
});

Deno.test("a removal that was done before is not done again", async () => {
  const { done } = await run({});
  assertEquals(done.filter((step) => step.startsWith("list")), []);
});
