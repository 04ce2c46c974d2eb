/**
 * The beginning and the end of the own cluster, as replication between clusters wants it.
 *
 * @module
 */
import { ClientError } from "../../clients/errors.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { NotDoneError } from "../../clients/mysql/errors.ts";
import { beginAnew, dissolveCluster, forgetClusterSet } from "../../clients/mysql/cluster_set/recreate.ts";
import { createGroup } from "../../clients/mysql/group.ts";
import { readGroup } from "../../clients/mysql/members.ts";
import { remember } from "../../mysql_innodb_cluster/server/memory.ts";
import { configure } from "../../mysql_innodb_cluster/server/moves.ts";
import { writeRecord } from "../../mysql_innodb_cluster/server/record.ts";
import { followsPasswords, putOnHold, takeOffHold } from "../../mysql_innodb_cluster/server/set_keys.ts";
import { openPeer } from "../../mysql_innodb_cluster/server/ward.ts";
import { ClusterSetBusyError } from "../cluster_server.ts";
import { groupNameOf, isInCluster } from "./own_cluster.ts";
import type { Site } from "./site.ts";

/** Milliseconds for connecting to another unit's server and for each statement. */
const WORK_MS = 20_000;
/** A member that was just joining is found the next time. */
const MOST_ROUNDS = 5;

/** Ends the own cluster: all servers leave it, the primary last. They keep their data and stay read-only. */
export async function dissolve(site: Site): Promise<void> {
  const { ctx, peers, record, credentials } = await site.ward();
  if (credentials.version !== record.passwords) {
    // A hook that was killed in what follows would else leave units that no longer find each other.
    throw new ClusterSetBusyError("the units are told the primary cluster's passwords first");
  }
  for (let round = 1;; round++) {
    await using members = await openMembers(site);
    const groups = await Promise.all(members.list.map((db) => readGroup(db)));
    if (groups.every(({ self }) => self === undefined || self.state === "OFFLINE")) break;
    if (round > MOST_ROUNDS) throw new NotDoneError("the cluster cannot be dissolved: its servers come back to it");
    await dissolveCluster(members.list);
  }
  ctx.log.info("the cluster is dissolved");
  putOnHold(peers);
  remember(ctx, { settled: "" });
}

/** Makes a cluster of the own server, unless it is in one. A hook that was killed may have left that untold. */
export async function makeCluster(site: Site): Promise<void> {
  const ward = await site.ward();
  const { ctx, peers, place } = ward;
  const db = await site.own();
  const isIn = await isInCluster(site);
  const groupName = isIn ? await groupNameOf(db) : crypto.randomUUID();
  const record = { ...ward.record, groupName, first: ctx.unit, clustered: [ctx.unit] };
  if (!isIn) {
    ctx.log.info("making a cluster of this unit's server");
    await configure({ ...ward, record }, db, place);
    await beginAnew(db);
    await createGroup(db);
  }
  // One that returns to its set must not have transactions of its own.
  if (!await followsPasswords(ctx)) await forgetClusterSet(db);
  peers.localApp.set(writeRecord(record));
  takeOffHold(peers, await readGroup(db));
  remember(ctx, { wasMember: true, settled: "" });
  await site.change({ record });
}

/** Connections to the own server and all others of the cluster. */
async function openMembers(site: Site): Promise<{ readonly list: readonly Mysql[] } & AsyncDisposable> {
  const { others, credentials } = await site.ward();
  const own = await site.own();
  const reports = others.filter(({ address, connection }) => address && connection);
  const opened = await Promise.allSettled(reports.map((report) => openPeer(report, credentials, WORK_MS)));
  const connections = opened.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  const close = async () => void await Promise.all(connections.map((db) => db.close()));
  const failure = opened.find((each) => each.status === "rejected");
  if (failure) {
    await close();
    throw failure.reason instanceof ClientError ? failure.reason : new Error(String(failure.reason));
  }
  return { list: [own, ...connections], [Symbol.asyncDispose]: close };
}
