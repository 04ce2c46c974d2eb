import { assert, assertEquals, assertRejects } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { ClientError, UnreachableError } from "../../../interfaces/clients/errors.ts";
import { setPassword } from "../../../interfaces/clients/mysql/accounts.ts";
import { readChannel } from "../../../interfaces/clients/mysql/cluster_set/channel.ts";
import { ClusterSetRefusedError } from "../../../interfaces/clients/mysql/cluster_set/errors.ts";
import { unfenceWrites } from "../../../interfaces/clients/mysql/cluster_set/fence.ts";
import { setReplicationPassword } from "../../../interfaces/clients/mysql/cluster_set/passwords.ts";
import { promoteCluster } from "../../../interfaces/clients/mysql/cluster_set/promote.ts";
import { readClusterSet } from "../../../interfaces/clients/mysql/cluster_set/records.ts";
import { beginAnew, dissolveCluster, recreateCluster } from "../../../interfaces/clients/mysql/cluster_set/recreate.ts";
import { rejoinCluster } from "../../../interfaces/clients/mysql/cluster_set/rejoin.ts";
import { dissolveClusterSet, removeReplicaCluster } from "../../../interfaces/clients/mysql/cluster_set/remove.ts";
import { createReplicaCluster } from "../../../interfaces/clients/mysql/cluster_set/replica.ts";
import { askBeforeStart } from "../../../interfaces/clients/mysql/cluster_set/start.ts";
import { readRole } from "../../../interfaces/clients/mysql/cluster_set/state.ts";
import { clusterStatus } from "../../../interfaces/clients/mysql/cluster_set/status.ts";
import { ErrantTransactionsError } from "../../../interfaces/clients/mysql/errors.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { readServer } from "../../../interfaces/clients/mysql/status.ts";
import { insertRow, place, RECOVERY, timed, until } from "../mysql/cluster.ts";
import { type LabServer, MysqlLab } from "../mysql/lab.ts";
import { Router } from "../mysql/router.ts";
import {
  addMember,
  cutShort,
  first,
  LISBON,
  openSites,
  PORTO,
  primaryOf,
  replicate,
  restart,
  type Sites,
  untilSame,
  writable,
} from "./client_sites.ts";

const programs = await mysqlForTests();

function statusOf({ access }: Sites, from: readonly LabServer[], name: string): Promise<string> {
  return primaryOf(from).then((server) => server.as(async (db) => (await clusterStatus(access, db, name)).status));
}

async function insert(servers: readonly LabServer[], id: number): Promise<void> {
  await (await primaryOf(servers)).as((db) => insertRow(db, id));
}

const killAll = (servers: readonly LabServer[]) => Promise.all(servers.map((server) => server.kill()));

Deno.test({
  name: "cluster set: the primary cluster is lost, comes back with and without transactions of its own; Router follows",
  ignore: programs === undefined,
  fn: async () => {
    assert(programs);
    await using lab = await MysqlLab.open(programs);
    const sites = await openSites(lab, 2);
    const { lisbon, porto, all, access } = sites;
    const [a, b] = [first(lisbon), first(porto)];
    await replicate(sites);
    await insert(lisbon, 1);
    await untilSame(all, 1);
    await using router = await Router.start(a);
    const routedTo = async (servers: readonly LabServer[]) => {
      await using db = await router.write(undefined, 5000);
      const { reportPort, superReadOnly } = await readServer(db);
      return !superReadOnly && servers.some(({ port }) => port === reportPort);
    };
    await until("Router writes to the primary cluster", () => routedTo(lisbon));
    await b.as((db) => promoteCluster(access, db, { clusterName: PORTO }));
    await timed("Router follows a switchover", "4.8 s", () => until("Router follows", () => routedTo(porto)));
    await b.as((db) => promoteCluster(access, db, { clusterName: LISBON }));

    await killAll(lisbon);
    await assertRejects(() => b.as((db) => promoteCluster(access, db, { clusterName: PORTO })), UnreachableError);
    assertEquals(await writable(porto), [false, false]);
    const forced = await b.as((db) => promoteCluster(access, db, { clusterName: PORTO, force: true }));
    console.log(`forced promotion: ${forced.totalMs.toFixed(0)} ms (130-6200)`);
    assertEquals(forced.invalidated, [LISBON]);
    await insert(porto, 2);
    assertEquals(await statusOf(sites, porto, LISBON), "invalidated");

    await Promise.all(lisbon.map((server) => server.start()));
    const verdict = await a.as((db) => askBeforeStart(access, db));
    assertEquals([verdict.open, verdict.why], [false, "invalidated"]);
    await restart(lisbon, { open: false });
    assertEquals(await writable(lisbon), [false, false]);
    await assertRejects(() => a.as((db) => unfenceWrites(access, db)), ClusterSetRefusedError);
    await timed(
      "the old primary cluster rejoins",
      "0.2 s",
      () => b.as((db) => rejoinCluster(access, db, { clusterName: LISBON })),
    );
    await untilSame(all, 2);
    assertEquals(await statusOf(sites, porto, LISBON), "ok");

    // A row that the other cluster never gets.
    await b.as((db) => promoteCluster(access, db, { clusterName: LISBON }));
    await (await primaryOf(porto)).as((db) =>
      db.run("cut off", sql`STOP REPLICA IO_THREAD FOR CHANNEL 'clusterset_replication'`)
    );
    await insert(lisbon, 3);
    await killAll(lisbon);
    await b.as((db) => promoteCluster(access, db, { clusterName: PORTO, force: true }));
    await insert(porto, 4);
    await restart(lisbon, { open: false });
    const errant = await assertRejects(
      () => b.as((db) => rejoinCluster(access, db, { clusterName: LISBON })),
      ErrantTransactionsError,
    );
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
});

Deno.test({
  name: "cluster set: a new password, replicas removed alive and dead, clusters of their own again, the set dissolved",
  ignore: programs === undefined,
  fn: async () => {
    assert(programs);
    await using lab = await MysqlLab.open(programs);
    const sites = await openSites(lab, 2);
    const { lisbon, porto, all, access } = sites;
    const [a, b] = [first(lisbon), first(porto)];
    await replicate(sites);

    const changed = { ...RECOVERY, password: "ch'ange\\d" };
    await a.as((db) => setPassword(db, changed));
    assertEquals(await a.as((db) => setReplicationPassword({ ...access, replication: changed }, db)), []);
    await (await primaryOf(porto)).as(async (db) => {
      await db.run("connect anew", sql`STOP REPLICA IO_THREAD FOR CHANNEL 'clusterset_replication'`);
      await db.run("connect anew", sql`START REPLICA IO_THREAD FOR CHANNEL 'clusterset_replication'`);
      await until("the channel knows the new password", async () => (await readChannel(db))?.receiver === "ON");
    });
    await a.as((db) => setPassword(db, RECOVERY));
    assertEquals(await a.as((db) => setReplicationPassword(access, db)), []);
    await insert(lisbon, 1);
    await untilSame(all, 1);

    await timed("replica removed", "9.4 s", async () => {
      assertEquals(await a.as((db) => removeReplicaCluster(access, db, { clusterName: PORTO })), true);
    });
    assertEquals(await a.as((db) => removeReplicaCluster(access, db, { clusterName: PORTO })), false);
    await assertRejects(
      () => a.as((db) => removeReplicaCluster(access, db, { clusterName: LISBON })),
      ClusterSetRefusedError,
    );
    for (const server of porto) {
      const { self } = await server.as(readGroup);
      assertEquals(self?.state, "OFFLINE");
      assertEquals(await server.as(readChannel), undefined);
    }
    assertEquals(await writable(porto), [false, false]);
    assertEquals((await b.as((db) => askBeforeStart(access, db))).why, "removed");
    const endpoint = { host: b.host, port: b.port };
    const back = { clusterName: PORTO, endpoint, label: "porto-0" };
    await timed("first server attached again, incremental", "1.2 s", async () => {
      assertEquals(await a.as((db) => createReplicaCluster(access, db, back)), "done");
    });
    await insert(lisbon, 2);
    await untilSame([...lisbon, b], 2);

    await killAll([b]);
    await assertRejects(() => a.as((db) => removeReplicaCluster(access, db, { clusterName: PORTO })), UnreachableError);
    assertEquals(await a.as((db) => removeReplicaCluster(access, db, { clusterName: PORTO, force: true })), true);
    await b.start();
    assertEquals((await b.as((db) => askBeforeStart(access, db))).why, "removed");
    await place(b, [b], crypto.randomUUID());
    await b.as(recreateCluster);
    await insert([b], 9);
    await insert(lisbon, 3);
    assertEquals([await b.as(readRole), await b.as(readClusterSet)], ["none", undefined]);
    await untilSame([b], 3);
    await b.as(async (db) => await dissolveCluster([db]));
    await b.as(beginAnew);
    const refused = await assertRejects(
      () => a.as((db) => createReplicaCluster(access, db, back)),
      ErrantTransactionsError,
    );
    assert(refused.gtids !== "");
    await timed("first server attached by clone", "5.7 s", async () => {
      assertEquals(await a.as((db) => createReplicaCluster(access, db, { ...back, discard: true })), "done");
    });
    await untilSame([...lisbon, b], 3);
    await assertRejects(
      () => a.as((db) => createReplicaCluster(access, db, { ...back, clusterName: "braga", endpoint: first(lisbon) })),
      ClusterSetRefusedError,
      "is in a cluster",
    );

    await a.as((db) => dissolveClusterSet(access, db));
    assertEquals(await a.as(readClusterSet), undefined);
    assertEquals(await writable([b]), [false]);
    await insert(lisbon, 4);
    await assertRejects(() => a.as((db) => promoteCluster(access, db, { clusterName: PORTO })), ClusterSetRefusedError);
    await b.as(async (db) => await dissolveCluster([db]));
    assertEquals((await b.as(readGroup)).self?.state, "OFFLINE");
    await assertRejects(() => primaryOf([b]), Error);
  },
});

Deno.test({
  name: "cluster set: a switchover that is cut short at any statement is never two primaries, and is finished later",
  ignore: programs === undefined,
  fn: async () => {
    assert(programs);
    await using lab = await MysqlLab.open(programs);
    const sites = await openSites(lab, 1);
    const { lisbon, porto, all, access } = sites;
    await replicate(sites);
    const db = first(lisbon);
    const names = [PORTO, LISBON] as const;
    const whole = cutShort(access, Infinity);
    await db.as((at) => promoteCluster(whole.access, at, { clusterName: PORTO }));
    let turn = 1;
    let row = 0;
    const tried = [];
    for (let after = 4; after < whole.used(); after += 5) {
      const clusterName = names[turn++ % 2] ?? PORTO;
      const cut = cutShort(access, after);
      // Late in it only the old primary is left behind, which is said and not raised.
      await db.as((at) => promoteCluster(cut.access, at, { clusterName })).catch((error) => {
        assert(error instanceof ClientError, `${error}`);
      });
      const open = await writable(all);
      assert(open.filter(Boolean).length <= 1, `cut short after ${after} statements: both take writes`);
      tried.push(open.some(Boolean) ? `${after}` : `${after} (closed)`);
      await db.as((at) => promoteCluster(access, at, { clusterName }));
      await insert(clusterName === PORTO ? porto : lisbon, ++row);
      await untilSame(all, row);
      assertEquals((await writable(all)).filter(Boolean).length, 1);
    }
    console.log(`of ${whole.used()} statements cut short after ${tried.join(", ")}`);
  },
});
