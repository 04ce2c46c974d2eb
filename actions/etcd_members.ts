/**
 * The members of an etcd cluster as actions show them.
 *
 * @module
 */
import type { ActionResults } from "../hooks/definition.ts";
import { ClientError } from "../interfaces/clients/errors.ts";
import type { Etcd } from "../interfaces/clients/etcd/client.ts";
import type { Alarm, MemberHealth, MemberStatus } from "../interfaces/clients/etcd/maintenance.ts";
import type { Member } from "../interfaces/clients/etcd/members.ts";
import { hexId } from "../interfaces/clients/etcd/values.ts";

/** What is known of one member. */
export interface MemberReport {
  /** Empty until it has started for the first time. */
  readonly name: string;
  /** As etcdctl shows it. */
  readonly id: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
  readonly healthy: boolean;
  /** Why it is not healthy; empty when it is. */
  readonly reason: string;
  readonly isLeader: boolean;
  /** Of the server; empty when it does not answer. */
  readonly version: string;
  /** Bytes; 0 when it does not answer. */
  readonly dbSize: number;
  readonly alarms: readonly string[];
  /** What it says is wrong. */
  readonly errors: readonly string[];
}

/** What single members and the cluster said. */
export interface Observation {
  readonly members: readonly Member[];
  readonly health: readonly MemberHealth[];
  readonly statuses: readonly MemberStatus[];
  /** Undefined when nobody could tell: there is no quorum. */
  readonly alarms: readonly Alarm[] | undefined;
}

/**
 * Asks every member.
 *
 * @param open opens a client of the given endpoints
 * @throws {ClientError} when no member answers at all
 */
export async function observe(cluster: Etcd, open: (endpoints: readonly string[]) => Etcd): Promise<Observation> {
  const members = await cluster.members.list();
  const endpoints = members.flatMap(({ clientUrls }) => clientUrls.slice(0, 1));
  using each = open(endpoints.length > 0 ? endpoints : cluster.endpoints);
  const [health, statuses, alarms] = await Promise.all([
    each.maintenance.health(),
    Promise.all(each.endpoints.map((endpoint) => unlessFailed(each.maintenance.status(endpoint)))),
    unlessFailed(each.maintenance.alarms()),
  ]);
  return { members, health, statuses: statuses.filter((status) => status !== undefined), alarms };
}

/** Puts together what was observed. */
export function reportMembers({ members, health, statuses, alarms = [] }: Observation): MemberReport[] {
  return members.map((member) => {
    const isOwn = ({ endpoint }: { readonly endpoint: string }): boolean => member.clientUrls.includes(endpoint);
    const status = statuses.find(isOwn);
    const { healthy = false, reason = "it has not started yet" } = health.find(isOwn) ?? {};
    return {
      name: member.name,
      id: hexId(member.id),
      peerUrls: member.peerUrls,
      clientUrls: member.clientUrls,
      isLearner: member.isLearner,
      healthy,
      reason,
      isLeader: status?.leader === member.id,
      version: status?.version ?? "",
      dbSize: status?.dbSizeBytes ?? 0,
      alarms: alarms.filter(({ memberId }) => memberId === member.id).map(({ alarm }) => alarm),
      errors: status?.errors ?? [],
    };
  });
}

/** The whole cluster in a few results, and every member as JSON. */
export function healthResults(reports: readonly MemberReport[]): ActionResults {
  const voters = reports.filter(({ isLearner }) => !isLearner);
  const healthy = voters.filter((report) => report.healthy).length;
  return {
    healthy: reports.every((report) => report.healthy && report.alarms.length === 0),
    quorum: healthy > voters.length / 2,
    members: reports.length,
    "healthy-members": reports.filter((report) => report.healthy).length,
    leader: reports.find(({ isLeader }) => isLeader)?.name ?? "",
    version: [...new Set(reports.map(({ version }) => version).filter((version) => version !== ""))].join(","),
    alarms: [...new Set(reports.flatMap(({ alarms }) => alarms))].join(","),
    output: JSON.stringify(reports),
  };
}

/** Who is in the cluster, without asking how they are. */
export function listResults(members: readonly Member[]): ActionResults {
  const shown = members.map(({ id, ...rest }) => ({ id: hexId(id), ...rest, started: rest.name !== "" }));
  return {
    members: members.length,
    started: shown.filter(({ started }) => started).length,
    "connection-string": members.flatMap(({ clientUrls }) => clientUrls).sort().join(","),
    output: JSON.stringify(shown),
  };
}

async function unlessFailed<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}
