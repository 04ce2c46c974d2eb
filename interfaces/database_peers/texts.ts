/**
 * Every status and reason of this interface.
 *
 * @module
 */

/** Who is waited for, and since when. */
export interface Waiting {
  readonly whom: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

const wait = (what: string, { whom, since }: Waiting) => `${what} ${whom} since ${clock(since)}`;

/** Such as `09:15:02Z`. */
export function clock(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)}Z`;
}

/** Units and states that are waited for, at most three of them by name. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

export const TEXTS = {
  installing: "installing PostgreSQL and Patroni",
  starting: "starting the first member",
  reconfiguring: "reconfiguring cluster",
  restarting: "restarting PostgreSQL",
  primary: "Primary",
  degraded: " (degraded)",
  notInitialised: (since: number) => wait("for", { whom: "the first member, which the leader starts,", since }),
  notListed: "the leader does not list this unit as a member",
  memberStart: (waiting: Waiting) => wait("awaiting for member to start:", waiting),
  unready: (waiting: Waiting) => wait("for the cluster's members:", waiting),
  noCluster: "Patroni does not tell its members",
  noPrimary: "no primary in the cluster",
  synchronousRefused: "Patroni does not take the number of synchronous replicas",
  raftPartner: (member: string) => `the Raft partner ${member} is not removed yet`,
  labels: (error: string) => `failed to patch pod with error ${error}`,
  noAddress: "this unit has no address in the peer relation",
  noPasswords: "for the leader to make the passwords",
  noStore: "etcd is not related: juju integrate APPLICATION ETCD, or juju config APPLICATION dcs=raft",
  storeIncomplete: "for etcd to send its endpoints and credentials",
  notApplied: (why: string) => `the configuration is not applied: ${why}`,
  passwordsLost:
    "the cluster's passwords cannot be read: put operator-password, replication-password, rewind-password, " +
    "patroni-password and raft-password into the application's databag with juju exec and relation-set --app",
  noData: (directory: string, scope: string) =>
    `no member has the cluster's data: move it to ${directory}, or delete /service/${scope}/ in etcd to begin anew`,
  passwordNotUndone: (user: string, why: string) => `${user} does not have its old password again: ${why}`,
  identityUnusable: "this unit's key and certificate cannot be used: run the action rotate-certificate",
  moved: (directory: string) =>
    `data-directory cannot be changed once it is used: juju config APPLICATION data-directory=${directory}`,
  lockWaits: (waiting: Waiting) => wait("restart: for", waiting),
} as const;
