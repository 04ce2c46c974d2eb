/**
 * Operations on the cluster set, with the unit's own server as the one that knows it.
 *
 * @module
 */
import { ClientError } from "../../clients/errors.ts";
import { createClusterSet } from "../../clients/mysql/cluster_set/create.ts";
import { ClusterSetLockedError, ClusterSetRefusedError } from "../../clients/mysql/cluster_set/errors.ts";
import { fenceWrites, isWritesFenced, unfenceWrites } from "../../clients/mysql/cluster_set/fence.ts";
import { promoteCluster } from "../../clients/mysql/cluster_set/promote.ts";
import { readClusterSet } from "../../clients/mysql/cluster_set/records.ts";
import { rejoinCluster } from "../../clients/mysql/cluster_set/rejoin.ts";
import { removeReplicaCluster } from "../../clients/mysql/cluster_set/remove.ts";
import { createReplicaCluster } from "../../clients/mysql/cluster_set/replica.ts";
import { readRole, type SetRole } from "../../clients/mysql/cluster_set/state.ts";
import { clusterStatus, type ReplicaStatus } from "../../clients/mysql/cluster_set/status.ts";
import { ErrantTransactionsError, NotFitError } from "../../clients/mysql/errors.ts";
import { setAccess } from "../../mysql_innodb_cluster/server/set_access.ts";
import { ClusterSetBusyError, ClusterSetError } from "../cluster_server.ts";
import { PEER_APP } from "../keys.ts";
import { parseEndpoint } from "./endpoint.ts";
import type { Site } from "./site.ts";

/** Milliseconds that a hook waits for a copy of the data; it goes on without us. */
const COPY_MS = 20_000;

/** What the own cluster is in its set, as its server knows it. */
export async function role(site: Site): Promise<SetRole> {
  return await readRole(await site.own());
}

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
  const found = await clusterStatus(setAccess(await site.ward()), await site.own(), name);
  if (found.status !== "ok") site.ctx.log.info(`cluster ${name} is ${found.status}: ${found.why}`);
  return found.status;
}

/** Whether the own cluster's writes are fenced. */
export async function isFenced(site: Site): Promise<boolean> {
  return await isWritesFenced(setAccess(await site.ward()), await site.own());
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
    const [access, own] = [setAccess(ward), await site.own()];
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
    });
    if (result === "running") throw new ClusterSetBusyError("the replica cluster's first node gets its data");
  });
}

/** Takes a replica out of the set. One that has become the primary meanwhile stays: whoever takes writes goes on. */
export async function remove(site: Site, clusterName: string, force: boolean): Promise<void> {
  await inTime(async () => {
    try {
      await removeReplicaCluster(setAccess(await site.ward()), await site.own(), { clusterName, force });
    } catch (error) {
      if (!(error instanceof ClusterSetRefusedError)) throw error;
      site.ctx.log.warning(`cluster ${clusterName} is not removed: ${error.message}`);
    }
  });
}

/** Makes a cluster the primary one. */
export async function promote(site: Site, clusterName: string, force: boolean): Promise<void> {
  const done = await promoteCluster(setAccess(await site.ward()), await site.own(), { clusterName, force });
  const { nobodyWritableMs, totalMs, invalidated, pending } = done;
  const { log } = site.ctx;
  log.info(`promoted in ${Math.round(totalMs)} ms; no cluster took writes for ${Math.round(nobodyWritableMs)} ms`);
  if (invalidated.length > 0) log.warning(`${invalidated.join(", ")} is left behind: rejoin it when it is back`);
  for (const each of pending) log.warning(`it does not follow yet: ${each}`);
}

/** Stops writes to the own cluster. */
export async function fence(site: Site): Promise<void> {
  await fenceWrites(setAccess(await site.ward()), await site.own());
}

/** Lets writes in again. */
export async function unfence(site: Site): Promise<void> {
  await unfenceWrites(setAccess(await site.ward()), await site.own());
}

/** Takes an invalidated cluster back. */
export async function rejoin(site: Site, clusterName: string): Promise<void> {
  await rejoinCluster(setAccess(await site.ward()), await site.own(), { clusterName });
}

/** An operator's wish that cannot be fulfilled now is refused, whatever the reason. */
export async function orRefuse(run: () => Promise<void>): Promise<void> {
  try {
    await run();
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
