/**
 * Every status of the charm that runs MySQL, and what its actions refuse.
 *
 * @module
 */

/** Texts of statuses and refusals. */
export const TEXT = {
  installing: "Installing MySQL",
  noAddress: "Waiting for the unit's address",
  noRecord: "Waiting for the leader to name the first member",
  claimed: "Waiting to set up the first member",
  noCredentials: "Waiting for the leader's passwords",
  starting: "Waiting for MySQL to start",
  moreUnits: (there: number, wanted: number) => `Waiting for more units: ${there} of ${wanted} are there`,
  notReady: (units: readonly string[]) => `Waiting for ${units.join(", ")} to be ready for clustering`,
  creator: (unit: string) => `Waiting for ${unit} to create the cluster`,
  toBeAdded: "Waiting for the leader to add this unit to the cluster",
  removed: (unit: string) =>
    `${unit} was taken out of the cluster: run add-instance with address=${unit} on the leader, or remove the unit`,
  recovering: "Waiting for MySQL to get the cluster's data",
  copying: (unit: string) => `Waiting for ${unit} to get a copy of the cluster's data`,
  takenForAlive: (unit: string) => `Waiting for the cluster to notice that ${unit}'s server was down`,
  joining: (unit: string) => `Waiting for ${unit} to join the cluster`,
  cannotJoin: (unit: string, why: string) => `${unit} cannot join the cluster: ${why}`,
  errant: (unit: string) =>
    `${unit} has transactions that the cluster does not have: save what they hold, then run add-instance with ` +
    `address=${unit} method=clone on the leader`,
  recoveryPassword: (unit: string) =>
    `${unit} cannot join the cluster, which has another password of the recovery user: wait for a change that is under ` +
    `way, else run set-password on the leader`,
  turn: "Waiting for its turn to restart with the new settings",
  silent: (units: readonly string[]) =>
    `No member of the cluster answers; bring ${units.join(", ")} back, or what is lost for good, give up with ` +
    `reboot-cluster-from-complete-outage force=true`,
  unreachable: (units: readonly string[]) => `MySQL of ${units.join(", ")} does not answer; bring it back first`,
  outage: "All members are stopped: run reboot-cluster-from-complete-outage on the leader when every unit runs",
  noQuorum: (lost: readonly string[]) =>
    `The cluster has lost its majority: bring ${lost.join(", ")} back; if that is not enough, run ` +
    `reboot-cluster-from-complete-outage on the leader, with force=true to give up what is lost for good`,
  noPrimary: "Waiting for the cluster to choose a primary",
  ready: (mode: "R/W" | "R/O", online: number) =>
    `Unit is ready: Mode: ${mode}, Cluster is ONLINE and ${tolerance(online)}`,
  missing: (units: readonly string[]) => ` ${units.join(", ")} ${units.length === 1 ? "is" : "are"} not in it.`,
  doesNotRun: "MySQL ends after its start; look at the unit's log",
  noProgram: "MySQL is not installed: install a package that has mysqld, or set mysql-directory",
  notInitialised: "MySQL cannot make its data directory; look at the unit's log",
  longDirectory: "data-directory is too long for MySQL's socket: make it shorter",
  badOption: (option: string, least: number, most: number) => `${option} must be a number from ${least} to ${most}`,
  badName: "cluster-name must have 1 to 63 letters, digits and . _ -, and start with a letter or _",
  startedClosed: (why: string) =>
    `the cluster takes no writes: ${why}; take it back with rejoin-cluster on the primary cluster's leader, or when it is ` +
    `the primary, run unfence-writes`,
  badSetName: "cluster-set-name must have 1 to 63 letters, digits and . _ -, and start with a letter or _",
  held: "Waiting for replication between clusters: this cluster was dissolved for it",
  heldFromStart:
    "this cluster was dissolved for replication between clusters: relate it again, or run recreate-cluster",
  passwordsOfPrimary: "the passwords are those of the related primary cluster; run set-password there",
  passwordsOfReplica:
    "this cluster is a replica now; promote it first, its passwords are changed where writes are taken",
  leaderOnly: (app: string) => `only the leader does this; run it on ${app}/leader`,
  notSetUp: "MySQL is not set up on this unit yet; wait until the unit's status says what it waits for",
  noCluster: "there is no cluster yet; wait until enough units are ready, or run create-cluster",
  isCluster: "there is a cluster already; see cluster-status",
  createOn: (unit: string) => `the cluster is made by ${unit}; run it there`,
  stopped: "no member of the cluster runs it; run reboot-cluster-from-complete-outage on the leader",
  needsForce: (unit: string) =>
    `${unit} does not answer; bring it back, or run remove-instance again with force=true to forget it`,
  lastMember: (unit: string) => `${unit} is the only member; remove the application instead`,
  notOnline: (unit: string) => `${unit} is no online member; see cluster-status`,
  tooLong: (unit: string) => `${unit} has not joined yet and goes on by itself; look again with cluster-status`,
  noSuchUnit: (address: string, known: readonly string[]) =>
    `${address} is no unit of this application; give one of ${known.join(", ")}`,
} as const;

/** In the words of the charm that MySQL's users know. */
function tolerance(online: number): string {
  const failures = Math.floor((online - 1) / 2);
  if (failures <= 0) return "cannot tolerate any failures.";
  return failures === 1 ? "can tolerate up to ONE failure." : `can tolerate up to ${failures} failures.`;
}
