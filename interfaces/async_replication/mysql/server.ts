/**
 * The unit's MySQL server, its cluster and the cluster set, as replication between clusters sees them.
 *
 * @module
 */
import { forceQuorumInSet } from "../../clients/mysql/cluster_set/quorum.ts";
import { readGroup } from "../../clients/mysql/members.ts";
import { userDatabases } from "../../clients/mysql/status.ts";
import { readMemory } from "../../mysql_innodb_cluster/server/memory.ts";
import { ClusterSetError, type ClusterSetServer } from "../cluster_server.ts";
import { TEXT } from "../texts.ts";
import { dissolve } from "./clusters.ts";
import * as clusterSet from "./cluster_set.ts";
import {
  becomePrimary,
  changePassword,
  endpoints,
  hasLeft,
  haveOthersLeft,
  isInCluster,
  isNobodyIn,
  memberState,
  nodeCount,
  version,
} from "./own_cluster.ts";
import type { Site } from "./site.ts";

/** The server of a unit. Nothing is asked before it has to be. */
export function mysqlServer(site: Site): ClusterSetServer {
  return {
    isClusterReplica: () => isClusterReplica(site),
    getMemberState: () => memberState(site),
    getMysqlVersion: () => version(site),
    getClusterEndpoints: () => endpoints(site),
    getReplicaClusterStatus: (cluster) => clusterSet.status(site, cluster),
    getClusterNodeCount: (options) => nodeCount(site, options?.nodeStatus === "online"),
    getClusterSetName: () => clusterSet.setName(site),
    getNonSystemDatabases: async () => await userDatabases(await site.own()),
    isClusterInClusterSet: (cluster) => clusterSet.isInSet(site, cluster),
    isClusterWritesFenced: () => clusterSet.isFenced(site),
    isInstanceInCluster: () => isInCluster(site),
    createReplicaCluster: (endpoint, cluster, options) => clusterSet.create(site, endpoint, cluster, options),
    removeReplicaCluster: (cluster, { force }) => clusterSet.remove(site, cluster, force),
    promoteClusterToPrimary: (cluster, force) =>
      clusterSet.orRefuse(site, () => clusterSet.promote(site, cluster, force)),
    promoteUnitToPrimary: (force) => clusterSet.orRefuse(site, () => promoteUnit(site, force)),
    fenceWrites: () => clusterSet.orRefuse(site, () => clusterSet.fence(site)),
    unfenceWrites: () => clusterSet.orRefuse(site, () => clusterSet.unfence(site)),
    rejoinCluster: (cluster) => clusterSet.orRefuse(site, () => clusterSet.rejoin(site, cluster)),
    dissolveCluster: () => site.changing(() => dissolve(site)),
    hasLeft: () => hasLeft(site),
    haveOthersLeft: () => haveOthersLeft(site),
    isNobodyIn: () => isNobodyIn(site),
    wasRemoved: () => clusterSet.wasRemoved(site),
    updateUserPassword: (user, password) => changePassword(site, user, password),
  };
}

/** A cluster that runs and is no replica is a primary, whether or not anything follows it. */
async function isClusterReplica(site: Site): Promise<boolean | undefined> {
  const role = await site.role();
  if (role !== "none") return role === "replica";
  if (await isInCluster(site)) return false;
  return readMemory(site.ctx).wasMember === true && !await hasLeft(site) ? false : undefined;
}

async function promoteUnit(site: Site, force: boolean): Promise<void> {
  const db = await site.own();
  const { self, quorum } = await readGroup(db);
  if (!self || self.state !== "ONLINE") throw new ClusterSetError("this unit's server is not in the cluster");
  if (!quorum && force) {
    const { open, why } = await forceQuorumInSet(await site.access(), db);
    // Only a replica stays closed by itself.
    if (!open && why !== "replica") throw new ClusterSetError(TEXT.mayBeTwo);
  }
  await becomePrimary(site);
}
