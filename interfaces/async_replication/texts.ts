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
  notFollowing: "Replica cluster does not follow this one: if that lasts, run rejoin-cluster with its name",
  removing: "Removing replica cluster",
  removingLater: (name: string) =>
    `Waiting for this unit to join its cluster before it removes replica cluster ${name}`,
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

  joinsFirst: "Waiting for this unit to join its cluster before it ends the relation",
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
  mayBeTwo:
    "another cluster of the set is the primary, or cannot be asked: bring that one back, or remove it from the set",
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
  notRejoinable: (status: ReplicaStatus | undefined) =>
    `Cluster status=${
      status === undefined ? "None" : `'${status}'`
    }. Only \`invalidated\`, \`ok_not_replicating\` and ` +
    `\`ok_misconfigured\` clusters can be rejoined${status === "ok" ? "" : `: ${recoveringText(status)}`}`,
  rejoined: (name: string) => `cluster='${name}' rejoined to cluster set`,
  rejoinFailed: (name: string) => `Failed to rejoin cluster='${name}' to the cluster set`,
  stillClustered: "This unit is in a cluster: there is nothing to recreate",
  notDissolvedYet: "This cluster was not removed from a cluster set: bring its servers back with rejoin-instance, or " +
    "when all are stopped, with reboot-cluster-from-complete-outage",
  othersRun: (units: readonly string[]) =>
    `${units.join(", ")} runs a cluster that takes writes already: run recreate-cluster when that unit leads`,
  freshLeader: (units: readonly string[]) =>
    `This unit's server has never been in the cluster: the data are those of ${units.join(", ")}; remove this unit`,
  stillRelated: (endpoint: string) => `Remove the ${endpoint} relation before recreating the cluster`,
  recreated: "Cluster recreated",
  noOffer: (endpoint: string) => `No cluster is related through ${endpoint}: integrate one first`,
  notReady: "The unit is not initialised yet; wait until its status is active",
  offered: "Replication is being set up; the status shows how far it is",
} as const;

/** What to do after an action was refused with one of the words that scripts know. */
export const NEXT = {
  onLeader: (application: string) => `Run it on ${application}/leader`,
  onReplica: "This cluster is the primary, or in no cluster set: run the action on the leader of the replica cluster",
  onPrimary: "This cluster is a replica: run the action on the leader of the primary cluster",
  nameSet: (name: string | undefined) =>
    name === undefined
      ? "This cluster is in no cluster set yet: relate it first"
      : `This cluster's set is ${name}: if that is the one, give cluster-set-name=${name}`,
  nameCluster: "Give the name that the other cluster has in this set: its application sends it in the relation",
  unfence: "Nothing was changed: run unfence-writes to resume writes",
  nothing: "Nothing was changed: this cluster's writes are not fenced",
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
      return "Replica cluster follows another source or takes writes: run rejoin-cluster with its name";
    case "unknown":
      return "Replica cluster cannot be asked: look at its units";
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
    "primary cluster cannot reach this one, or was removed prior to removing the async relation. When the primary " +
    "cluster is gone, this one can be promoted to primary with the `promote-standby-cluster` action and force=true. " +
    "When it has removed this cluster, and this one hears of it, it ends by itself, or with `recreate-cluster` at once.",
  leftAlone: "The cluster set no longer has this cluster: it is dissolved from here",
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
