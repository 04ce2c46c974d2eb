/**
 * Every status of the charm that runs etcd, and what its actions refuse.
 *
 * @module
 */

/** Texts of statuses and refusals. */
export const TEXT = {
  installing: "Installing etcd",
  noAddress: "Waiting for the unit's address",
  noRecord: "Waiting for the leader to name the first member",
  noFirst: "Waiting for the first member to start",
  claimed: "Waiting to start the first member",
  retry: "Waiting to retry etcd registration",
  retryBecause: (why: string) => `Waiting to retry etcd registration: ${why}`,
  noMemberServes: "no member with a quorum answers",
  notAllHealthy: (names: readonly string[]) => `${names.join(", ")} must be well first`,
  addressTaken: (url: string, unit: string) =>
    `${url} is used by ${unit}: put this unit on a machine of its own, or give it other ports`,
  catchingUp: "Waiting for the member to be in sync",
  staleSecret: "Waiting for the leader's certificates",
  turn: "Waiting for its turn to restart with the new settings",
  healthy: (members: number) => `Healthy with ${known(members)}`,
  unhealthy: (members: number, why: string) => `UnHealthy with ${known(members)}: ${why}`,
  errored: (why: string) => `Errored with ${known(0)}: ${why}`,
  unwell: (names: readonly string[]) => `${names.join(", ")} ${names.length === 1 ? "does" : "do"} not serve`,
  alarmed: (names: readonly string[]) =>
    `${names.join(", ")} ${names.length === 1 ? "raises" : "raise"} an alarm; see the action health`,
  noQuorum: (names: readonly string[]) =>
    names.length === 0 ? "no quorum; the members do not reach each other" : `no quorum; bring ${names.join(", ")} back`,
  cannotSpare: (why: string) =>
    `the cluster would lose its quorum without this member (${why}); mend the other members, and Juju lets this unit ` +
    "go; juju remove-unit --force does not wait for that",
  votesNow: "the other member has begun to vote only now",
  unregistration: "Unregistration failed for the departing unit/s.",
  lostAlone: "The only member has lost its data: run the action restore with a snapshot",
  dataGone: (first: string) =>
    `The cluster's data is where its removed units ran (first ${first}): deploy etcd anew, and there run the action ` +
    "restore with a snapshot",
  noProgram: "etcd is not installed: install the packages etcd-server and etcd-client",
  doesNotRun: `Errored with ${known(0)}: etcd ends after its start; look at the unit's log`,
  badPort: (option: string) => `${option} must be a port from 1 to 65535`,
  samePorts: "client-port and peer-port must differ",
  badTimes: "election-timeout must be at least five times heartbeat-interval, and at most 50000",
  leaderOnly: "only the leader does this: run it on the leader unit",
  notSetUp: "etcd is not set up on this unit yet: wait until it is active",
  rotating: (phase: string) => `certificates are being changed already (${phase}): wait until that is done`,
} as const;

function known(members: number): string {
  return `${members} known ${members === 1 ? "peer" : "peers"}`;
}
