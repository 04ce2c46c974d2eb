/**
 * Operations on the cluster set, with the unit's own server as the one that knows it.
 *
 * @module
 */
import { ClientError } from "../../clients/errors.ts";
import { hasChannel } from "../../clients/mysql/cluster_set/channel.ts";
import { createClusterSet } from "../../clients/mysql/cluster_set/create.ts";
import { ClusterSetLockedError, ClusterSetRefusedError } from "../../clients/mysql/cluster_set/errors.ts";
import { fenceWrites, isWritesFenced, unfenceWrites } from "../../clients/mysql/cluster_set/fence.ts";
import { promoteCluster } from "../../clients/mysql/cluster_set/promote.ts";
import { readClusterSet } from "../../clients/mysql/cluster_set/records.ts";
import { rejoinCluster } from "../../clients/mysql/cluster_set/rejoin.ts";
import { removeReplicaCluster } from "../../clients/mysql/cluster_set/remove.ts";
import { createReplicaCluster } from "../../clients/mysql/cluster_set/replica.ts";
import { findSet } from "../../clients/mysql/cluster_set/state.ts";
import { clusterStatus, type ReplicaStatus } from "../../clients/mysql/cluster_set/status.ts";
import { ErrantTransactionsError, NotFitError } from "../../clients/mysql/errors.ts";
import { readGroup } from "../../clients/mysql/members.ts";
import { ClusterSetBusyError, ClusterSetError } from "../cluster_server.ts";
import { PEER_APP } from "../keys.ts";
import { parseEndpoint } from "./endpoint.ts";
import type { Site } from "./site.ts";

/** Milliseconds that a hook waits for a copy of the data: the least takes 6 to 7 s. It goes on without us. */
const COPY_MS = 9000;
/** The same for a replica to have everything before it is removed. */
const CATCH_UP_MS = 5000;
/** Milliseconds for a server of another cluster to answer in a hook. */
const LOOK_MS = 2000;

/** Name of the set; undefined: the cluster is in none. */
export async function setName(site: Site): Promise<string | undefined> {
  return (await readClusterSet(await site.own()))?.name;
}

/** Whether a cluster of that name is in the set. */
export async function isInSet(site: Site, name: string): Promise<boolean> {
  const set = await readClusterSet(await site.own());
  return set?.clusters.some((each) => each.name === name) ?? false;
}

/** How a replica does. */
export async function status(site: Site, name: string): Promise<ReplicaStatus> {
  const found = await clusterStatus(await site.access(), await site.own(), name, { connectMs: LOOK_MS });
  if (found.status !== "ok") site.ctx.log.info(`cluster ${name} is ${found.status}: ${found.why}`);
  if (found.status === "ok_not_replicating") {
    site.ctx.log.info(`if that lasts, run rejoin-cluster cluster-name=${name}`);
  }
  return found.status;
}

/** Whether the own cluster's writes are fenced. One that is not in the set is closed for other reasons. */
export async function isFenced(site: Site): Promise<boolean> {
  return await site.role() === "primary" && await isWritesFenced(await site.access(), await site.own());
}

/** Adds a replica, and makes the set when this is the first one. Data that the replica has are given up. */
export async function create(
  site: Site,
  endpoint: string,
  clusterName: string,
  { instanceLabel: label, donor }: { readonly instanceLabel: string; readonly donor?: string },
): Promise<void> {
  await inTime(async () => {
    const ward = await site.ward();
    const [access, own] = [await site.access(), await site.own()];
    const known = (await site.app())[PEER_APP.clusterSetName] || "cluster-set";
    const name = (await readClusterSet(own))?.name ?? known;
    await createClusterSet(access, own, { setName: name, clusterName: ward.record.clusterName });
    const result = await createReplicaCluster(access, own, {
      clusterName,
      endpoint: parseEndpoint(endpoint),
      label,
      ...(donor === undefined ? {} : { donor: parseEndpoint(donor) }),
      discard: true,
      patienceMs: COPY_MS,
      lookMs: LOOK_MS,
    });
    if (result === "running") throw new ClusterSetBusyError("the replica cluster's first node gets its data");
  });
}

/**
 * Takes a replica out of the set.
 *
 * @returns false for one that has become the primary meanwhile: whoever takes writes goes on
 * @throws {ClusterSetBusyError} when it cannot be removed now
 */
export async function remove(site: Site, clusterName: string, force: boolean): Promise<boolean> {
  const [access, own] = [await site.access(), await site.own()];
  try {
    await removeReplicaCluster(access, own, { clusterName, force, patienceMs: CATCH_UP_MS, lookMs: LOOK_MS });
    return true;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const isRefused = error instanceof ClusterSetRefusedError || error instanceof ClusterSetLockedError;
    const primary = isRefused ? (await findSet(access, own, LOOK_MS))?.primary : undefined;
    if (primary?.name !== clusterName) throw new ClusterSetBusyError(error.message, { cause: error });
    site.ctx.log.warning(`cluster ${clusterName} is not removed: ${error.message}`);
    return false;
  }
}

/** Whether the own cluster is closed, and the set does not have it any more: nobody else is going to end it. */
export async function wasRemoved(site: Site): Promise<boolean> {
  const own = await site.own();
  const { self, quorum } = await readGroup(own);
  if (self?.state !== "ONLINE" || !quorum) return false;
  const access = await site.access();
  const isReplica = await hasChannel(own);
  if (!isReplica && !await isWritesFenced(access, own)) return false;
  const found = await findSet(access, own, LOOK_MS);
  return found ? found.own === undefined : isReplica;
}

/** Makes a cluster the primary one. */
export async function promote(site: Site, clusterName: string, force: boolean): Promise<void> {
  const done = await promoteCluster(await site.access(), await site.own(), { clusterName, force });
  const { nobodyWritableMs, totalMs, invalidated, notExecuted, pending } = done;
  const { log } = site.ctx;
  log.info(`promoted in ${Math.round(totalMs)} ms; no cluster took writes for ${Math.round(nobodyWritableMs)} ms`);
  if (invalidated.length > 0) log.warning(`${invalidated.join(", ")} is left behind: rejoin it when it is back`);
  if (notExecuted !== "") {
    log.warning(`transactions that it had received and could not execute are lost: ${notExecuted}`);
  }
  for (const each of pending) log.warning(`it does not follow yet, run rejoin-cluster with its name: ${each}`);
}

/** Stops writes to the own cluster. */
export async function fence(site: Site): Promise<void> {
  await fenceWrites(await site.access(), await site.own());
}

/** Lets writes in again. */
export async function unfence(site: Site): Promise<void> {
  await unfenceWrites(await site.access(), await site.own());
}

/** Takes a cluster back that was left behind, or follows nobody. */
export async function rejoin(site: Site, clusterName: string): Promise<void> {
  await rejoinCluster(await site.access(), await site.own(), { clusterName });
}

/** An operator's wish that cannot be fulfilled now is refused, whatever the reason. */
export async function orRefuse(site: Site, run: () => Promise<void>): Promise<void> {
  try {
    await site.changing(run);
  } catch (error) {
    throw error instanceof ClientError ? new ClusterSetError(error.message, { cause: error }) : error;
  }
}

/** In a hook: what another change of the set is in the way of comes later; what can never be is shown. */
async function inTime(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ClusterSetLockedError) throw new ClusterSetBusyError(error.message, { cause: error });
    const never = [ClusterSetRefusedError, ErrantTransactionsError, NotFitError].some((type) => error instanceof type);
    throw never && error instanceof Error ? new ClusterSetError(error.message, { cause: error }) : error;
  }
}
