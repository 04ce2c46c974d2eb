/**
 * The beginning and the end of the own cluster, as replication between clusters wants it.
 *
 * @module
 */
import { ClientError } from "../../clients/errors.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { NotDoneError } from "../../clients/mysql/errors.ts";
import { hasChannel } from "../../clients/mysql/cluster_set/channel.ts";
import { beginAnew, dissolveCluster, forgetClusterSet } from "../../clients/mysql/cluster_set/recreate.ts";
import { keepClosed } from "../../clients/mysql/cluster_set/start.ts";
import { groupNameOf } from "../../clients/mysql/cluster_set/state.ts";
import { createGroup } from "../../clients/mysql/group.ts";
import { readGroup } from "../../clients/mysql/members.ts";
import { readMemory, remember } from "../../mysql_innodb_cluster/server/memory.ts";
import { configure } from "../../mysql_innodb_cluster/server/moves.ts";
import { writeRecord } from "../../mysql_innodb_cluster/server/record.ts";
import { followsPasswords, takeOffHold } from "../../mysql_innodb_cluster/server/set_keys.ts";
import { askAll } from "../../mysql_innodb_cluster/server/survey.ts";
import { openPeer, type Ward } from "../../mysql_innodb_cluster/server/ward.ts";
import { ClusterSetBusyError } from "../cluster_server.ts";
import { PEER_APP, PEER_UNIT, RELEASED } from "../keys.ts";
import { TEXT } from "../texts.ts";
import { becomePrimary, isInCluster } from "./own_cluster.ts";
import type { Site } from "./site.ts";

/** Milliseconds for connecting to another unit's server and for each statement. */
const WORK_MS = 20_000;
/** A member that was just joining is found the next time. */
const MOST_ROUNDS = 5;

/** Ends the own cluster: all servers leave it, the primary last. They keep their data and stay read-only. */
export async function dissolve(site: Site): Promise<void> {
  const ward = await site.ward();
  const { ctx, peers, record, credentials } = ward;
  const isGivenUp = await followsPasswords(ctx);
  if (isGivenUp) await announce(ward);
  if (credentials.version !== record.passwords) {
    // A hook that was killed in what follows would else leave units that no longer find each other.
    throw new ClusterSetBusyError("the units are told the primary cluster's passwords first");
  }
  // The primary leaves last: it has everything, and is going to be the first node of the replica.
  if (isGivenUp && await isInCluster(site) && !await hasChannel(await site.own())) await becomePrimary(site);
  for (let round = 1;; round++) {
    await using members = await openMembers(site);
    const groups = await Promise.all(members.list.map((db) => readGroup(db)));
    if (groups.every(({ self }) => self === undefined || self.state === "OFFLINE")) break;
    if (round > MOST_ROUNDS) throw new NotDoneError("the cluster cannot be dissolved: its servers come back to it");
    await dissolveCluster(members.list);
  }
  ctx.log.info("the cluster is dissolved");
  peers.local.set(RELEASED);
  remember(ctx, { settled: "" });
}

/**
 * A unit that does not know of it would start its server again, in the group that has ended: each says that it does.
 *
 * @throws {ClusterSetBusyError} until all others have
 */
export async function announce(
  { peers, others }: Pick<Ward, "peers"> & { readonly others: readonly { readonly unit: string }[] },
): Promise<void> {
  const bags = await Promise.all(others.map(({ unit }) => peers.unit(unit)));
  const unaware = others.filter((_, index) => bags[index]?.[PEER_UNIT.initialized] === "True").map(({ unit }) => unit);
  if (unaware.length === 0) return;
  peers.localApp.set({ [PEER_APP.unitsAdded]: "" });
  peers.local.set(RELEASED);
  throw new ClusterSetBusyError(`${unaware.join(", ")} have to know first that their cluster ends`);
}

/** Makes a cluster of the own server, unless it is in one. A hook that was killed may have left that untold. */
export async function makeCluster(site: Site): Promise<void> {
  const ward = await site.ward();
  const { ctx, peers, place } = ward;
  const db = await site.own();
  const isIn = await isInCluster(site);
  const isReturning = await followsPasswords(ctx);
  const groupName = isIn ? await groupNameOf(db) : crypto.randomUUID();
  const record = { ...ward.record, groupName, first: ctx.unit, clustered: [ctx.unit] };
  if (!isIn) {
    const owners = readMemory(ctx).wasMember === true || isReturning ? [] : ownersOf(ward);
    if (owners.length > 0) throw new ClusterSetBusyError(TEXT.freshLeader(owners));
    await endOthers(site);
    ctx.log.info("making a cluster of this unit's server");
    await configure({ ...ward, record }, db, place);
    await beginAnew(db);
    // One that returns to its set must not have transactions of its own: it never takes writes.
    if (isReturning) await keepClosed(db);
    await createGroup(db, { readOnly: isReturning });
  }
  if (!isReturning) await forgetClusterSet(db);
  peers.localApp.set(writeRecord(record));
  takeOffHold(peers, await readGroup(db));
  remember(ctx, { wasMember: true, settled: "" });
  await site.change({ record });
}

/** Units that were in the cluster that was: they would take the data of one that was not in place of theirs. */
export function ownersOf(
  { others, record }: {
    readonly others: readonly { readonly unit: string }[];
    readonly record: { readonly clustered: readonly string[] };
  },
): string[] {
  return others.map(({ unit }) => unit).filter((unit) => record.clustered.includes(unit));
}

/** Ends what other units still run of the cluster that was, or run since another leader was cut short. */
async function endOthers(site: Site): Promise<void> {
  const ward = await site.ward();
  const members = (await askAll(ward, ward.others)).filter(({ found }) => found === "member");
  const isWritten = members.some(({ group }) => group?.writable);
  if (isWritten) throw new ClusterSetBusyError(TEXT.othersRun(members.map(({ unit }) => unit)));
  if (members.length > 0) await dissolve(site);
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
