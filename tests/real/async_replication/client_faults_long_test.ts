import { assert, assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { ClientError } from "../../../interfaces/clients/errors.ts";
import type { SetAccess } from "../../../interfaces/clients/mysql/cluster_set/access.ts";
import {
  isAsking,
  readChannel,
  setChannelPassword,
  startChannel,
  stopChannel,
} from "../../../interfaces/clients/mysql/cluster_set/channel.ts";
import { ClusterSetRefusedError } from "../../../interfaces/clients/mysql/cluster_set/errors.ts";
import { fenceWrites, isWritesFenced, unfenceWrites } from "../../../interfaces/clients/mysql/cluster_set/fence.ts";
import { closeIfLeftBehind } from "../../../interfaces/clients/mysql/cluster_set/left_behind.ts";
import { lockSet } from "../../../interfaces/clients/mysql/cluster_set/lock.ts";
import { promoteCluster } from "../../../interfaces/clients/mysql/cluster_set/promote.ts";
import { readClusterSet } from "../../../interfaces/clients/mysql/cluster_set/records.ts";
import { rejoinCluster } from "../../../interfaces/clients/mysql/cluster_set/rejoin.ts";
import { removeReplicaCluster } from "../../../interfaces/clients/mysql/cluster_set/remove.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { readUntil } from "../../../interfaces/clients/mysql/wait.ts";
import { RECOVERY, timed, until } from "../mysql/cluster.ts";
import { cutAt, withoutServer } from "./client_faults.ts";
import {
  clusterSetTest,
  first,
  insert,
  killAll,
  LISBON,
  PORTO,
  restart,
  statusOf,
  untilSame,
  writable,
} from "./client_sites.ts";

/** Milliseconds in which the channel asks the source's members at least once. */
const ASKS_MS = 6000;
/** What a forced promotion makes at least of a view. */
const GENERATION = 65_536;

clusterSetTest("what stays half done, what is not known, who cannot be closed", 1, async (sites) => {
  const { lisbon, porto, all, access } = sites;
  const [a, b] = [first(lisbon), first(porto)];
  const promote = (clusterName: string, { force = false, at = access }: { force?: boolean; at?: SetAccess } = {}) =>
    b.as((db) => promoteCluster(at, db, { clusterName, force, patienceMs: 2000 }));
  const rejoin = (clusterName: string) => b.as((db) => rejoinCluster(access, db, { clusterName }));
  const isFollowing = (name: string) => until(`${name} follows`, async () => await statusOf(sites, all, name) === "ok");

  await b.as(async (db) => {
    await db.run("be cut short", sql`STOP REPLICA IO_THREAD FOR CHANNEL 'clusterset_replication'`);
    await setChannelPassword(db, RECOVERY);
    await until("the channel receives again", async () => (await readChannel(db))?.receiver === "ON");
    await until("the channel to rest", async () => !await isAsking(db));
    await readUntil(() => isAsking(db), (asks) => asks, ASKS_MS, 1);
    await timed(
      "stop of the channel just then",
      "5 s by itself",
      () => stopChannel(db, { drain: true, patienceMs: 0 }),
    );
    await startChannel(db);
  });

  {
    await using client = await a.connect();
    await client.run("keep the server open", sql`LOCK TABLES test.rows_ WRITE`);
    await assertRejects(() => promote(PORTO, { force: true }), ClusterSetRefusedError, "cannot be closed");
    assertEquals(await writable(all), [true, false]);
  }
  await insert(lisbon, 2);
  await untilSame(all, 2);

  // The new replica is left with a channel that does not run yet, and with the record of the time before.
  await isFollowing(PORTO);
  await promote(PORTO);
  await isFollowing(LISBON);
  const { pending } = await promote(LISBON, { at: cutAt(access, "start the channel") });
  assertEquals(pending.length, 1);
  assertEquals(await writable(all), [true, false]);
  const blind = withoutServer(access, a);
  await assertRejects(() => promote(PORTO, { at: blind }), ClusterSetRefusedError, "cannot be asked");
  assertEquals(await writable(all), [true, false]);
  assertEquals(await statusOf(sites, lisbon, PORTO), "ok_not_replicating");
  await rejoin(PORTO);
  await until("the replica has the record", async () => await statusOf(sites, all, PORTO) === "ok");
  await insert(lisbon, 3);
  await untilSame(all, 3);

  await killAll(lisbon);
  await assertRejects(() => promote(PORTO), ClientError);
  assertEquals((await promote(PORTO, { force: true })).invalidated, [LISBON]);
  assertGreaterOrEqual((await b.as(readClusterSet))?.viewId ?? 0, GENERATION);
  assertEquals((await restart(sites, lisbon)).why, "invalidated");
  await rejoin(LISBON);
  await isFollowing(LISBON);
  await promote(LISBON);
  await isFollowing(PORTO);

  // Somebody begins to promote the other cluster while this one starts.
  await killAll(lisbon);
  const set = await b.as(readClusterSet);
  assert(set);
  {
    await using _ = await lockSet(access, b, set.id);
    assertEquals((await restart(sites, lisbon)).why, "changing");
    assertEquals(await writable(all), [false, false]);
  }
  assertEquals(await a.as((db) => isWritesFenced(access, db)), true);
  assertEquals(await a.as((db) => unfenceWrites(access, db)), true);
  await killAll(lisbon);
  const verdict = await restart(sites, lisbon);
  assertEquals([verdict.open, await writable(all)], [true, [true, false]]);
  await a.as((db) => fenceWrites(access, db));
  await killAll(lisbon);
  assertEquals((await restart(sites, lisbon)).why, "fenced");
  assertEquals(await a.as((db) => unfenceWrites(access, db)), true);
  await insert(lisbon, 4);
  await until("the replica has found its source", async () => await statusOf(sites, all, PORTO) === "ok");
  await untilSame(all, 4);

  // Nobody could reach the old primary when the other was promoted by force.
  const closed = () => a.as((db) => closeIfLeftBehind(access, db));
  assertEquals(await closed(), undefined);
  assertEquals((await promote(PORTO, { force: true, at: blind })).invalidated, [LISBON]);
  assertEquals(await writable(all), [true, true]);
  assertEquals([await closed(), await writable(all), await closed()], [PORTO, [false, true], undefined]);
  await rejoin(LISBON);
  await insert(porto, 5);
  await untilSame(all, 5);

  // And who promoted the other has taken the old one, which nobody could reach, out of the set.
  const alone = withoutServer(access, b);
  const force = true;
  await a.as((db) => promoteCluster(alone, db, { clusterName: LISBON, force, patienceMs: 2000 }));
  assertEquals(await a.as((db) => removeReplicaCluster(alone, db, { clusterName: PORTO, force })), true);
  assertEquals(await writable(all), [true, true]);
  assertEquals(await b.as((db) => closeIfLeftBehind(access, db)), LISBON);
  assertEquals(await writable(all), [true, false]);
});
