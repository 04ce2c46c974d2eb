/**
 * Simulated MySQL servers: the clusters of all applications, as far as replication between them asks. Servers start and
 * join at once, the member with the lowest number is its cluster's primary, and a cluster that has lost its last member
 * waits for the next one.
 *
 * @module
 */
import type { Credentials } from "../../interfaces/async_replication/charm_side.ts";
import { type Group, type Member, viewOf } from "../../interfaces/clients/mysql/members.ts";
import type { Context } from "../../mod.ts";
import { readServers, writeServers } from "./servers.ts";

/** What is on a server's disk. */
export interface Data {
  /** Passwords by their names. */
  readonly users: Credentials;
}

/** A cluster that runs. */
export interface Cluster {
  readonly app: string;
  /** Names of its units. */
  readonly units: readonly string[];
  readonly data: Data;
  /** Its name in its set; both are empty while it is in none. */
  readonly name: string;
  readonly set: string;
  /** `closed`: it takes no writes, and follows nobody. */
  readonly mode: "open" | "closed" | "replica";
}

/** Every cluster, and the servers that have left theirs by somebody's wish, by unit. */
export interface Servers {
  readonly clusters: readonly Cluster[];
  readonly outside: Readonly<Record<string, Data>>;
}

/** Clusters change each other: all are in one file. */
const FILE = "mysql";
const PORT = 3306;
/** Key of a unit's databag: what its cluster does. */
export const MODE = "torture-mode";
/** Of all servers. */
export const VERSION = "8.0.36";

/** All servers as they are now. */
export function servers(): Servers {
  return readServers<Servers>(FILE, { clusters: [], outside: {} });
}

/** Changes servers. It is a request, at which faults can strike: a hook command that is good for nothing else. */
export async function change(ctx: Context, how: (all: Servers) => Servers): Promise<void> {
  await ctx.secrets.ids();
  writeServers(FILE, how(servers()));
}

/** The cluster that a unit's server is in. */
export function clusterOf(unit: string): Cluster | undefined {
  return servers().clusters.find(({ units }) => units.includes(unit));
}

/** The cluster of an application. */
export function clusterOfApp(app: string): Cluster | undefined {
  return servers().clusters.find((each) => each.app === app);
}

/** A cluster of the set that a unit's server is in. */
export function clusterInSet(unit: string, name: string): Cluster | undefined {
  const set = clusterOf(unit)?.set ?? "";
  return servers().clusters.find((each) => set !== "" && each.set === set && each.name === name);
}

/** What a unit's server has; undefined before it was in a cluster. */
export function dataOf(unit: string): Data | undefined {
  return clusterOf(unit)?.data ?? servers().outside[unit];
}

/** A group as one of its servers sees it: one that is in none sees itself. */
export function groupOf(unit: string): Group {
  const cluster = clusterOf(unit);
  const members = (cluster?.units ?? [unit]).map((each, index): Member => ({
    uuid: each,
    state: cluster ? "ONLINE" : "OFFLINE",
    role: cluster ? index === 0 ? "primary" : "secondary" : "unknown",
    version: VERSION,
    host: each.replace("/", "-"),
    port: PORT,
  }));
  return viewOf(members, unit, cluster?.mode !== "open" || members[0]?.uuid !== unit);
}

/** A new cluster of one server. */
export function begin({ clusters, outside }: Servers, unit: string, cluster: Omit<Cluster, "app" | "units">): Servers {
  const { [unit]: _, ...others } = outside;
  return { clusters: [...clusters, { ...cluster, app: appOf(unit), units: [unit] }], outside: others };
}

/** A server joins its application's cluster, and takes its data. */
export function join({ clusters, outside }: Servers, unit: string): Servers {
  const { [unit]: _, ...others } = outside;
  const joined = clusters.map((each) =>
    each.app === appOf(unit) ? { ...each, units: [...each.units, unit].sort() } : each
  );
  return { clusters: joined, outside: others };
}

/** A server is no more. */
export function retire({ clusters, outside }: Servers, unit: string): Servers {
  const { [unit]: _, ...others } = outside;
  const left = clusters.map((each) => ({ ...each, units: each.units.filter((other) => other !== unit) }));
  return { clusters: left, outside: others };
}

/** All servers leave their application's cluster, with what they have. */
export function dissolve({ clusters, outside }: Servers, app: string): Servers {
  const gone = clusters.filter((each) => each.app === app);
  const left = gone.flatMap(({ units, data }) => units.map((unit) => [unit, data] as const));
  return {
    clusters: clusters.filter((each) => each.app !== app),
    outside: { ...outside, ...Object.fromEntries(left) },
  };
}

/** Users get passwords on a server, in its cluster, and in those that follow it. */
export function setPasswords({ clusters, outside }: Servers, unit: string, passwords: Credentials): Servers {
  const renewed = ({ users }: Data): Data => ({ users: { ...users, ...passwords } });
  const own = clusters.find(({ units }) => units.includes(unit));
  const alone = outside[unit];
  return {
    clusters: clusters.map((each) =>
      each === own || (own?.mode === "open" && own.set !== "" && own.set === each.set)
        ? { ...each, data: renewed(each.data) }
        : each
    ),
    outside: alone ? { ...outside, [unit]: renewed(alone) } : outside,
  };
}

function appOf(unit: string): string {
  return unit.slice(0, unit.indexOf("/"));
}
