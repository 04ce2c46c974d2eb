import { assertEquals, assertRejects, fail } from "@std/assert";
import { UnreachableError } from "../../../interfaces/clients/errors.ts";
import type { SetAccess } from "../../../interfaces/clients/mysql/cluster_set/access.ts";
import { readChannel } from "../../../interfaces/clients/mysql/cluster_set/channel.ts";
import { ClusterSetRefusedError } from "../../../interfaces/clients/mysql/cluster_set/errors.ts";
import { unfenceWrites } from "../../../interfaces/clients/mysql/cluster_set/fence.ts";
import { dropLeftChannel } from "../../../interfaces/clients/mysql/cluster_set/member.ts";
import { promoteCluster } from "../../../interfaces/clients/mysql/cluster_set/promote.ts";
import { readClusterSet } from "../../../interfaces/clients/mysql/cluster_set/records.ts";
import {
  beginAnew,
  dissolveCluster,
  forgetClusterSet,
} from "../../../interfaces/clients/mysql/cluster_set/recreate.ts";
import { rejoinCluster } from "../../../interfaces/clients/mysql/cluster_set/rejoin.ts";
import { removeReplicaCluster } from "../../../interfaces/clients/mysql/cluster_set/remove.ts";
import { createReplicaCluster, type NewReplica } from "../../../interfaces/clients/mysql/cluster_set/replica.ts";
import { askBeforeStart, keepClosed } from "../../../interfaces/clients/mysql/cluster_set/start.ts";
import { readRole } from "../../../interfaces/clients/mysql/cluster_set/state.ts";
import { ErrantTransactionsError } from "../../../interfaces/clients/mysql/errors.ts";
import { createGroup, startMember, stopMember } from "../../../interfaces/clients/mysql/group.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { readServer, readSettings } from "../../../interfaces/clients/mysql/status.ts";
import { place, timed, until } from "../mysql/cluster.ts";
import type { LabServer } from "../mysql/lab.ts";
import { Router } from "../mysql/router.ts";
import { cutAt } from "./client_faults.ts";
import {
  addMember,
  clusterSetTest,
  first,
  insert,
  killAll,
  LISBON,
  PORTO,
  primaryOf,
  restart,
  type Sites,
  statusOf,
  untilSame,
  writable,
} from "./client_sites.ts";

const CHANNEL = "clusterset_replication";

clusterSetTest(
  "the primary is lost and comes back, with transactions of its own too; Router follows",
  2,
  async (sites) => {
    const { lisbon, porto, all, access } = sites;
    const [a, b] = [first(lisbon), first(porto)];
    const promote = (clusterName: string, { force = false, at = access }: { force?: boolean; at?: SetAccess } = {}) =>
      b.as((db) => promoteCluster(at, db, { clusterName, force }));
    await using router = await Router.start(a);
    const routedTo = async (servers: readonly LabServer[]) => {
      await using db = await router.write(undefined, 5000);
      const { reportPort, superReadOnly } = await readServer(db);
      return !superReadOnly && servers.some(({ port }) => port === reportPort);
    };
    await until("Router writes to the primary cluster", () => routedTo(lisbon));
    await joinsDuringPromotion(sites, await secondaryOf(porto), PORTO);
    await timed("Router follows a switchover", "4.8 s", () => until("Router follows", () => routedTo(porto)));
    await promote(LISBON);
    await until("the replica hears who is the primary", async () => await primaryFor(porto) === LISBON);

    await killAll(lisbon);
    await assertRejects(() => promote(PORTO), UnreachableError);
    assertEquals(await writable(porto), [false, false]);
    const forced = await promote(PORTO, { force: true });
    console.log(`forced promotion: ${forced.totalMs.toFixed(0)} ms (130-6200)`);
    assertEquals(forced.invalidated, [LISBON]);
    await insert(porto, 2);
    assertEquals(await statusOf(sites, porto, LISBON), "invalidated");

    assertEquals((await restart(sites, lisbon)).why, "invalidated");
    assertEquals(await writable(lisbon), [false, false]);
    await assertRejects(() => a.as((db) => unfenceWrites(access, db)), ClusterSetRefusedError);
    const rejoin = () => b.as((db) => rejoinCluster(access, db, { clusterName: LISBON }));
    await timed("the old primary cluster rejoins", "0.2 s", rejoin);
    await untilSame(all, 2);
    assertEquals(await statusOf(sites, porto, LISBON), "ok");

    // A row that the other cluster never gets, and changes of the record: the first says who is the primary now.
    const { pending } = await promote(LISBON, { at: cutAt(access, "start the channel") });
    assertEquals(pending.length, 1);
    await insert(lisbon, 3);
    await (await primaryOf(lisbon)).as((db) =>
      db.run("raise the view", sql`UPDATE mysql_innodb_cluster_metadata.clustersets SET view_id = view_id + 9`)
    );
    await killAll(lisbon);
    assertEquals(await primaryFor(porto), PORTO);
    await assertRejects(() => promote(PORTO), ClusterSetRefusedError, "cannot be asked whether it is the primary");
    assertEquals(await writable(porto), [false, false]);
    assertEquals((await promote(PORTO, { force: true })).invalidated, [LISBON]);
    await insert(porto, 4);
    assertEquals((await restart(sites, lisbon)).why, "invalidated", "however many changes it has recorded alone");
    assertEquals(await writable(lisbon), [false, false]);
    const errant = await assertRejects(rejoin, ErrantTransactionsError);
    console.log(`refused to rejoin because of ${errant.gtids}`);
    assertEquals(await statusOf(sites, porto, LISBON), "invalidated");
    await timed("removed and added again by clone", "9 s and 5.9 s", async () => {
      await b.as((db) => removeReplicaCluster(access, db, { clusterName: LISBON, force: true }));
      const endpoint = { host: a.host, port: a.port };
      const again = { clusterName: LISBON, endpoint, label: "lisbon-0" };
      await assertRejects(() => b.as((db) => createReplicaCluster(access, db, again)), ErrantTransactionsError);
      assertEquals(await b.as((db) => createReplicaCluster(access, db, { ...again, discard: true })), "done");
      assertEquals(await b.as((db) => createReplicaCluster(access, db, again)), "done");
    });
    await addMember(lisbon[1] ?? a, a);
    await untilSame(all, 3);
    assertEquals(await statusOf(sites, porto, LISBON), "ok");
  },
);

clusterSetTest("replicas removed late, stopped and dead; one's servers as a cluster of their own", 2, async (sites) => {
  const { lisbon, porto, all, access } = sites;
  const [a, b] = [first(lisbon), first(porto)];
  const remove = (clusterName: string, force = false) =>
    a.as((db) => removeReplicaCluster(access, db, { clusterName, force, patienceMs: 1000 }));
  {
    await using holder = await (await primaryOf(porto)).connect();
    await holder.run("keep the replica from executing", sql`FLUSH TABLES WITH READ LOCK`);
    await insert(lisbon, 2);
    await assertRejects(() => remove(PORTO), ClusterSetRefusedError, "has not caught up");
  }
  await untilSame(all, 2);
  assertEquals(await statusOf(sites, lisbon, PORTO), "ok");
  await (await primaryOf(porto)).as((db) => db.run("stop", sql`STOP REPLICA FOR CHANNEL ${CHANNEL}`));
  await insert(lisbon, 3);
  await timed("replica removed", "9.4 s", async () => assertEquals(await remove(PORTO), true));
  assertEquals(await remove(PORTO), false);
  await assertRejects(() => remove(LISBON), ClusterSetRefusedError);
  for (const server of porto) {
    assertEquals((await server.as(readGroup)).self?.state, "OFFLINE");
    assertEquals(await server.as(readChannel), undefined);
  }
  assertEquals(await writable(porto), [false, false]);
  assertEquals((await b.as((db) => askBeforeStart(access, db))).why, "removed");

  const back = { clusterName: PORTO, endpoint: { host: b.host, port: b.port }, label: "porto-0" };
  const create = (more: Partial<NewReplica> = {}) =>
    a.as((db) => createReplicaCluster(access, db, { ...back, ...more }));
  await timed("first server attached again, incremental, by calls that do not wait", "1.2 s", async () => {
    await until("it is attached", async () => await create({ patienceMs: 1 }) === "done");
  });
  const bootstrap = "group_replication_bootstrap_group";
  assertEquals((await b.as((db) => readSettings(db, [bootstrap]))).get(bootstrap), "OFF");
  await untilSame([...lisbon, b], 3);

  await killAll([b]);
  await assertRejects(() => remove(PORTO), UnreachableError);
  assertEquals(await remove(PORTO, true), true);
  await b.start();
  assertEquals((await b.as((db) => askBeforeStart(access, db))).why, "removed");
  await place(b, [b], crypto.randomUUID());
  await b.as(async (db) => {
    await beginAnew(db);
    await createGroup(db);
    await forgetClusterSet(db);
  });
  await insert([b], 9);
  await insert(lisbon, 4);
  assertEquals([await b.as(readRole), await b.as(readClusterSet)], ["none", undefined]);
  await untilSame([b], 4);
  await assertRejects(() => create(), ClusterSetRefusedError, "is in a cluster");
  await b.as(keepClosed);
  await assertRejects(() => create(), ErrantTransactionsError);
  assertEquals(await b.as(readChannel), undefined);
  await b.as(async (db) => await dissolveCluster([db]));
  await b.as(beginAnew);
  await assertRejects(() => create(), ErrantTransactionsError);
  await timed("first server attached by clone", "5.7 s", async () => {
    assertEquals(await create({ discard: true }), "done");
  });
  await untilSame([...lisbon, b], 4);
  const taken = { clusterName: "braga", endpoint: first(lisbon) };
  await assertRejects(() => create(taken), ClusterSetRefusedError, "is in a cluster");
});

/** A server that comes back just when its cluster is promoted has a channel that nobody takes from it. */
async function joinsDuringPromotion(sites: Sites, joiner: LabServer, clusterName: string): Promise<void> {
  const { porto, access } = sites;
  const primary = await primaryOf(porto);
  await joiner.as(stopMember);
  const connectAlone: SetAccess["connect"] = async (address, timeoutMs) => {
    // The lock of the cluster is taken when its members are known.
    if (address.port === primary.port) {
      assertEquals(await joiner.as((db) => startMember(db, { patienceMs: 20_000 })), "online");
    }
    return await access.connect(address, timeoutMs);
  };
  await primary.as((db) => promoteCluster({ ...access, connectAlone }, db, { clusterName }));
  await until("it hears that it has no sources", async () => (await joiner.as(readChannel))?.sources.length === 0);
  assertEquals(await joiner.as(readRole), "replica");
  const drop = () => primary.as((db) => joiner.as((own) => dropLeftChannel(db, own)));
  assertEquals(await drop(), true);
  await until("it hears who is the primary", async () => await joiner.as(readRole) === "primary");
  assertEquals(await drop(), false);
}

/** Which cluster is the primary one, as a cluster's own servers have heard. */
async function primaryFor(servers: readonly LabServer[]): Promise<string | undefined> {
  const set = await (await primaryOf(servers)).as(readClusterSet);
  return set?.clusters.find(({ role }) => role === "primary")?.name;
}

async function secondaryOf(servers: readonly LabServer[]): Promise<LabServer> {
  const primary = await primaryOf(servers);
  return servers.find((server) => server !== primary) ?? fail("a cluster of one has no secondary");
}
