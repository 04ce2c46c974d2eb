/**
 * What actions of charms that run MySQL tell about a cluster.
 *
 * @module
 */
import type { ActionResults } from "../hooks/definition.ts";
import { addressText, type Group } from "../interfaces/clients/mysql/members.ts";
import type { UnitAddress } from "../interfaces/mysql_innodb_cluster/server/own.ts";

/** One server of the cluster. */
export interface ServerReport {
  /** Empty for a server of no unit. */
  readonly unit: string;
  readonly address: string;
  /** As MySQL says it; `MISSING` when the group does not list the server. */
  readonly state: string;
  readonly role: "primary" | "secondary" | "unknown";
  readonly version: string;
}

/** How the cluster is: `OK` when all units are in it and one more may be lost. */
export type ClusterState = "OK" | "OK_NO_TOLERANCE" | "OK_PARTIAL" | "NO_QUORUM" | "OFFLINE";

/**
 * Results of `cluster-status`.
 *
 * @param group as a member sees it; undefined when no member answers
 * @param units of the application
 */
export function statusResults(
  { clusterName, groupName }: { readonly clusterName: string; readonly groupName: string },
  group: Group | undefined,
  units: readonly UnitAddress[],
): ActionResults {
  const servers = reportServers(group, units);
  const online = servers.filter(({ state }) => state === "ONLINE").length;
  const tolerance = group?.quorum ? Math.max(0, Math.floor((online - 1) / 2)) : 0;
  const status = stateOf(group, servers, tolerance);
  const primary = group?.quorum
    ? servers.find(({ role, state }) => role === "primary" && state === "ONLINE")
    : undefined;
  const report = { clusterName, groupName, status, tolerance, primary: primary?.address ?? "", servers };
  return {
    "cluster-name": clusterName,
    "group-name": groupName,
    status,
    primary: primary?.address ?? "",
    members: servers.length,
    "online-members": online,
    tolerance,
    output: JSON.stringify(report),
  };
}

function reportServers(group: Group | undefined, units: readonly UnitAddress[]): ServerReport[] {
  const names = new Map(units.map(({ unit, address }) => [addressText(address), unit]));
  const listed = (group?.members ?? []).map((member): ServerReport => ({
    unit: names.get(addressText(member)) ?? "",
    address: addressText(member),
    state: member.state,
    role: member.role,
    version: member.version,
  }));
  const there = new Set(listed.map(({ address }) => address));
  const missing = units.filter(({ address }) => !there.has(addressText(address))).map((
    { unit, address },
  ): ServerReport => ({
    unit,
    address: addressText(address),
    state: "MISSING",
    role: "unknown",
    version: "",
  }));
  return [...listed, ...missing].sort((a, b) => a.address < b.address ? -1 : 1);
}

function stateOf(group: Group | undefined, servers: readonly ServerReport[], tolerance: number): ClusterState {
  if (!group) return "OFFLINE";
  if (!group.quorum) return "NO_QUORUM";
  if (servers.some(({ state }) => state !== "ONLINE")) return "OK_PARTIAL";
  return tolerance === 0 ? "OK_NO_TOLERANCE" : "OK";
}
