/**
 * Every status, action message and longer log text of the interface. Those of the original are kept word for word.
 *
 * @module
 */
import type { ReplicaStatus } from "../clients/mysql/cluster_set/status.ts";

/** Texts of statuses, actions and logs. */
export const TEXT = {
  settingUp: "Setting up async replication",
  unrelate: (endpoint: string) => `This is a replica cluster. Unrelate from the ${endpoint} relation`,
  adding: "Adding replica cluster",
  removing: "Removing replica cluster",
  badAnswer: (keys: readonly string[]) =>
    `The replica cluster sent no valid ${keys.join(", ")}: look at the other side, or remove the relation`,
  ownName: "The replica cluster sent this cluster's own name: give it another cluster name, and relate again",
  takenName: (name: string) =>
    `Two replica clusters are called ${name}: remove the younger relation, and give that cluster another name`,

  awaitingSync: "Awaiting sync data from primary cluster",
  awaitingMembers: "Waiting other units join the cluster",
  versionMismatch: "MySQL version mismatch with primary cluster. Check logs for details",
  syncing: "Syncing credentials",
  dissolving: "Dissolving replica cluster",
  populating: "Populate endpoint",
  awaitingPrimary: "Waiting for primary cluster",
  recoveringMembers: "Waiting for recovery to complete on other units",
  recoveringReplica: "Recovering replica cluster",
  userDataApplication: "User data found, check instruction in the log",
  userDataUnit: "User data found, aborting async replication setup",
  badOffer: (keys: readonly string[]) =>
    `The primary cluster sent no valid ${keys.join(", ")}: look at the other side, or remove the relation`,
  badSecret: (why: string) => `The primary cluster's secret cannot be used: ${why}; look at the other side`,
  twoPrimaries: "Related to more than one primary cluster: remove all relations but one",

  awaitingConfiguration: "waiting replica cluster be configured",
  awaitingJoin: "waiting to join the cluster",

  awaitingDissolution: "Waiting for cluster to be dissolved",
  notDissolved: "Replica cluster not dissolved after relation broken",
  standalone: "Standalone read-only unit.",
  recreateOrRejoin: "Recreate or rejoin cluster.",

  leaderOnly: (what: string) => `Only the leader unit can ${what}`,
  onlyStandby: "Only a standby cluster can be promoted",
  badSetName: "Invalid/empty cluster set name",
  badClusterName: "Invalid/empty cluster name",
  promoted: (name: string) => `Cluster ${name} promoted to primary`,
  promotionFailed: "Failed to promote cluster to primary",
  unitPromoted: "This unit is now the primary of its cluster",
  unitPromotionFailed: "Failed to promote this unit to primary",
  badScope: "scope must be cluster or unit",
  onlyPrimary: "Only a primary cluster can have writes fenced/unfence",
  noSet: "This cluster is in no cluster set: there is nothing to fence or unfence",
  fenced: "Writes to the cluster are now fenced",
  unfenced: "Writes to the cluster are now resumed",
  isFenced: "Writes are fenced: run unfence-writes, or if another cluster is the primary now, rejoin-cluster there",
  alreadyFenced: "Writes are already fenced/unfenced",
  fencingFailed: "Failed to fence writes. Check logs for details",
  unfencingFailed: "Failed to unfence writes. Check logs for details",
  notInSet: (name: string) => `Cluster ${name} not found in cluster set`,
  notInvalidated: (status: string | undefined) =>
    `Cluster status=${status === undefined ? "None" : `'${status}'`}. Only \`invalidated\` clusters can be rejoined`,
  rejoined: (name: string) => `cluster='${name}' rejoined to cluster set`,
  rejoinFailed: (name: string) => `Failed to rejoin cluster='${name}' to the cluster set`,
  stillClustered: "This unit is in a cluster: there is nothing to recreate",
  stillRelated: (endpoint: string) => `Remove the ${endpoint} relation before recreating the cluster`,
  recreated: "Cluster recreated",
  noOffer: (endpoint: string) => `No cluster is related through ${endpoint}: integrate one first`,
  notReady: "The unit is not initialised yet; wait until its status is active",
  offered: "Replication is being set up; the status shows how far it is",
} as const;

const RECOVERING = "Replica cluster in recovery";

/** What a replica cluster that is not ready needs, by its status. */
export function recoveringText(status: ReplicaStatus | undefined): string {
  switch (status) {
    case "not_ok":
      return "Replica cluster has no quorum or no primary: look at its units";
    case "ok_not_consistent":
      return "Replica cluster has transactions of its own: remove the relation, and relate it again to copy it anew";
    case "ok_misconfigured":
      return "Replica cluster follows another source or takes writes: remove the relation, and relate it again";
    case undefined:
      return "Replica cluster does not tell its status: look at its units";
    default:
      return RECOVERING;
  }
}

/** Longer explanations for the log. */
export const LOG = {
  userData: "User data found, aborting async replication setup. Ensure the cluster has no user data before trying to " +
    "join a cluster set. After removing/backing up the data, remove the relation and add it again.",
  notDissolved: "Replica cluster not dissolved after relation broken by the primary cluster. This happens when the " +
    "primary cluster was removed prior to removing the async relation. This cluster can be promoted to primary with " +
    "the `promote-standby-cluster` action.",
  dissolved: "This is a replica cluster and was dissolved. The cluster can be recreated with the `recreate-cluster` " +
    "action. Alternatively the cluster can be rejoined to the cluster set by relating it again.",
  versions: (remote: string, local: string | undefined) =>
    `Primary cluster MySQL version ${remote} is not compatible with this cluster MySQL version ${
      local ?? "(unknown)"
    }` +
    ". Remove relation.",
  sameName: "Cluster name is the same as the primary cluster. Appending generated value",
  replicaItself: (endpoint: string) => `This is a replica cluster, cannot be related as ${endpoint}. Remove relation.`,
} as const;
