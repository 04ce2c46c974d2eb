/**
 * Makes a server of another place the first member of a replica cluster.
 *
 * @module
 */
import { ClientTimeoutError, UnreachableError } from "../../errors.ts";
import { setRecoveryCredentials } from "../accounts.ts";
import { cloneFrom, joinMethod, readClone } from "../clone.ts";
import type { Mysql } from "../connection.ts";
import { ErrantTransactionsError, NotFitError } from "../errors.ts";
import { createGroup, endCreation } from "../group.ts";
import { GtidSet } from "../gtid.ts";
import { checkedAddress, configureInstance, ensurePlugins } from "../instance.ts";
import { addressText, readGroup } from "../members.ts";
import { checkClusterName, ensureCluster, registerInstance } from "../metadata.ts";
import { type Address, readServer, startInProgress, userDatabases } from "../status.ts";
import { readUntil } from "../wait.ts";
import { CONNECT_MS, membersOf, openCluster, type SetAccess } from "./access.ts";
import { perform } from "./acts.ts";
import { channelSource, isFollowing } from "./channel.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { readMode, whileUnlocked } from "./modes.ts";
import { changeRecord, forgetStale } from "./records.ts";
import { keepClosed } from "./start.ts";
import { planAttach } from "./steps.ts";
import { type LockedSet, withSet } from "./with_set.ts";

/** The replica cluster to be. */
export interface NewReplica {
  readonly clusterName: string;
  /** Its first server, which is in no cluster. */
  readonly endpoint: Address;
  /** What people call that server. */
  readonly label: string;
  /** Member of the primary cluster to copy from; one of its secondaries without it. */
  readonly donor?: Address;
  /** Whether data of its own may be deleted; without user databases it always is. */
  readonly discard?: boolean;
  /** Milliseconds; copying goes on without us when they are over. 10 minutes without it. */
  readonly patienceMs?: number;
  /** Milliseconds for a server of another cluster to tell how it does; 5 s without it. */
  readonly lookMs?: number;
}

const PATIENCE_MS = 600_000;
/** Of a server that restarts. */
const RETRY_MS = 200;
const LEAST_MS = 1000;
const LEAST_CONNECT_MS = 2000;

/**
 * Adds a replica cluster to the set, beginning with its first server. Repeated, it goes on where it stopped.
 *
 * @param db connection to a server of any cluster of the set
 * @returns `running` while the server gets a copy of the data: call again
 * @throws {InputError} when name or address cannot be used; nothing was asked of the server
 * @throws {ErrantTransactionsError} when data of its own would be deleted
 * @throws {ClusterSetRefusedError} when the server is in a cluster, or the name is taken
 */
export async function createReplicaCluster(
  access: SetAccess,
  db: Mysql,
  replica: NewReplica,
): Promise<"done" | "running"> {
  const end = Date.now() + (replica.patienceMs ?? PATIENCE_MS);
  checkClusterName(replica.clusterName);
  checkedAddress(replica.endpoint);
  const create = async (at: LockedSet): Promise<"done" | "running"> => {
    const { endpoint, clusterName, label } = replica;
    if (!await getData(access, at, replica, end)) return "running";
    await using node = await access.connect(endpoint);
    const groupName = await startClosed(access, at, { node, endpoint, end });
    if (groupName === undefined) return "running";
    await using cluster = await openCluster(access, [endpoint]);
    const { primary, primaryCluster } = at;
    const source = channelSource(primaryCluster.primary, primary.groupName, access.replication);
    const patienceMs = left(end, LEAST_MS);
    if (!await isFollowing(cluster.primary.db, source.groupName)) {
      await perform(planAttach("replica"), { clusters: { replica: cluster }, source, patienceMs });
    }
    const writer = primaryCluster.primary.db;
    const { uuid } = await readServer(node);
    await whileUnlocked(writer, async () => {
      await forgetStale(writer, at.set, clusterName, groupName);
      const { clusterId } = await ensureCluster(writer, { name: clusterName, groupName });
      await registerInstance(writer, clusterId, { ...endpoint, uuid, label });
      await changeRecord(writer, at.set.id, { kind: "add", clusterId, role: "replica" });
    });
    return "done";
  };
  return await withSet(access, db, create, replica.lookMs);
}

/** @returns whether the server has data that it can go on from */
async function getData(
  access: SetAccess,
  { set, primaryCluster }: LockedSet,
  { clusterName, endpoint, donor, discard = false }: NewReplica,
  end: number,
): Promise<boolean> {
  await using node = await access.connect(endpoint, Math.min(CONNECT_MS, left(end, LEAST_CONNECT_MS)));
  if ((await readClone(node)).state === "running") return await awaitCopy(access, endpoint, end);
  if (await startInProgress(node)) return false;
  const facts = await readServer(node);
  const primary = await readServer(primaryCluster.primary.db);
  const named = set.clusters.find(({ name }) => name === clusterName);
  if (named && named.groupName !== facts.groupName) {
    throw new ClusterSetRefusedError(`the cluster set has another cluster ${clusterName}; choose another name`);
  }
  if (await isMember(node)) {
    // Closed by an earlier call that was cut short, or a cluster of its own?
    if (facts.groupName === primary.groupName || (await readMode(node)).opening) {
      throw new ClusterSetRefusedError(`the server at ${addressText(endpoint)} is in a cluster; dissolve that first`);
    }
    const errant = GtidSet.parse(facts.gtidExecuted).subtract(GtidSet.parse(primary.gtidExecuted));
    if (!errant.isEmpty) throw new ErrantTransactionsError(`${errant}`);
    return true;
  }
  const problems: string[] = [];
  if (facts.version !== primary.version) problems.push(`its version is ${facts.version} instead of ${primary.version}`);
  const members = membersOf(primaryCluster);
  const ids = await Promise.all(members.map(async ({ db }) => (await readServer(db)).serverId));
  if (ids.includes(facts.serverId)) problems.push(`its server_id ${facts.serverId} is another server's`);
  if (problems.length > 0) throw new NotFitError(problems);
  const purged = primary.gtidPurged;
  const method = joinMethod({ joiner: facts.gtidExecuted, group: primary.gtidExecuted, purged: [purged] });
  if (method.method === "incremental") return true;
  if (method.method === "refused" && !discard && (await userDatabases(node)).length > 0) {
    throw new ErrantTransactionsError(method.errant);
  }
  const from = donor ?? primaryCluster.secondaries[0] ?? primaryCluster.primary;
  if (!facts.plugins.clone) await whileUnlocked(node, () => ensurePlugins(node));
  const { user, password } = access.replication;
  const source = { host: from.host, port: from.port, user, password };
  await cloneFrom(node, source, { patienceMs: left(end, LEAST_MS) });
  return await awaitCopy(access, endpoint, end);
}

/** The server restarts at the end of a copy. */
async function awaitCopy(access: SetAccess, endpoint: Address, end: number): Promise<boolean> {
  const state = await readUntil(
    async () => {
      await using node = await connectUntil(access, endpoint, end);
      return (await readClone(node)).state;
    },
    (now) => now !== "running",
    Math.max(0, end - Date.now()),
  );
  if (state === "running") return false;
  if (state === "completed") return true;
  throw new ClusterSetRefusedError(`the copy to ${addressText(endpoint)} failed; read its error log`);
}

async function connectUntil(access: SetAccess, endpoint: Address, end: number): Promise<Mysql> {
  while (true) {
    try {
      return await access.connect(endpoint, CONNECT_MS);
    } catch (error) {
      const isAway = error instanceof UnreachableError || error instanceof ClientTimeoutError;
      if (!isAway || Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** @returns the name of the server's group, which runs and takes no writes; undefined while it starts */
async function startClosed(
  access: SetAccess,
  { set }: LockedSet,
  { node, endpoint, end }: { readonly node: Mysql; readonly endpoint: Address; readonly end: number },
): Promise<string | undefined> {
  const { groupName: configured } = await readServer(node);
  if (await isMember(node)) {
    await endCreation(node);
    return configured;
  }
  const isFree = configured !== "" && set.clusters.every(({ groupName }) => groupName !== configured);
  const groupName = isFree ? configured : crypto.randomUUID();
  await configureInstance(node, { ...endpoint, groupName, seeds: [endpoint] });
  await setRecoveryCredentials(node, access.replication);
  // A new primary would open itself, and its writes would be its own.
  await keepClosed(node);
  try {
    await createGroup(node, { readOnly: true, patienceMs: left(end, LEAST_MS) });
    return groupName;
  } catch (error) {
    // The server goes on by itself.
    if (error instanceof ClientTimeoutError) return undefined;
    throw error;
  }
}

async function isMember(node: Mysql): Promise<boolean> {
  const { self } = await readGroup(node);
  return self?.state === "ONLINE" || self?.state === "RECOVERING";
}

/** Milliseconds to an end, of which there are always some. */
function left(end: number, least: number): number {
  return Math.max(least, end - Date.now());
}
