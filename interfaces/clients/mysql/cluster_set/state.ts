/**
 * What a cluster set looks like now, by asking all its clusters: a cluster that was left behind does not know it.
 *
 * @module
 */
import { type ClientError, NoQuorumError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { readGroup } from "../members.ts";
import { type Address, readSettings } from "../status.ts";
import { CONNECT_MS, type Failure, type OpenCluster, openCluster, reasonOf, type SetAccess } from "./access.ts";
import { askCluster } from "./ask.ts";
import { hasChannel } from "./channel.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { type ClusterSet, readClusterSet, type SetMember } from "./records.ts";

/** What a cluster is in its set, as far as its own servers know. */
export type SetRole = "primary" | "replica" | "none";

/** What was heard of another cluster of the set. */
export interface Heard {
  readonly name: string;
  /** Whether somebody answered who knows what the cluster did last. */
  readonly asked: boolean;
  /** Why none of its servers answered; undefined when one did. */
  readonly silent: ClientError | undefined;
  /** Those of its servers that did not. */
  readonly failures: readonly Failure[];
  /** Whether it lets clients write, or names another primary and knows no less. */
  readonly rival: boolean;
  /** Who is changing the set there. */
  readonly holder: string | undefined;
}

/** The newest that anybody knows of the set. */
export interface FoundSet {
  readonly set: ClusterSet;
  /** The own cluster there; undefined when it has been removed. */
  readonly own: SetMember | undefined;
  readonly primary: SetMember | undefined;
  /** Every cluster but the own one. */
  readonly others: readonly Heard[];
}

/** Reads the own cluster's role from its server alone. */
export async function readRole(db: Mysql): Promise<SetRole> {
  if (await hasChannel(db)) return "replica";
  const set = await readClusterSet(db);
  return set?.clusters.find(({ groupName }) => groupName === set.ownGroup)?.role ?? "none";
}

/** The name of the group that a server is configured for; empty without one. */
export async function groupNameOf(db: Mysql): Promise<string> {
  return (await readSettings(db, ["group_replication_group_name"])).get("group_replication_group_name") ?? "";
}

/** Asks all clusters of the own server's set; undefined when it knows of none. */
export async function findSet(
  access: SetAccess,
  db: Mysql,
  timeoutMs: number = CONNECT_MS,
): Promise<FoundSet | undefined> {
  const ownSet = await readClusterSet(db);
  if (!ownSet) return undefined;
  const { ownGroup } = ownSet;
  const others = ownSet.clusters.filter(({ groupName }) => groupName !== ownGroup);
  const asked = await Promise.all(others.map(async (cluster) => ({
    cluster,
    ...await askCluster(access, ownSet.id, cluster.instances, timeoutMs),
  })));
  // A set of the same name that was made anew has another id.
  const sets = asked.flatMap(({ answers }) => answers).flatMap(({ set }) => set?.id === ownSet.id ? [set] : []);
  const set = sets.reduce((newest, next) => next.viewId > newest.viewId ? next : newest, ownSet);
  return {
    set,
    own: set.clusters.find(({ groupName }) => groupName === ownGroup),
    primary: primaryOf(set),
    others: asked.map(({ cluster: { name }, answers, failures }) => ({
      name,
      // A stopped server may have missed what its cluster did last.
      asked: answers.some(({ runs }) => runs) || answers.length > 0 && failures.length === 0,
      silent: answers.length === 0 ? reasonOf(failures) : undefined,
      failures,
      rival: answers.some((answer) => answer.writable || contradicts(answer.set, set)),
      holder: answers.map(({ holder }) => holder).find((holder) => holder !== undefined),
    })),
  };
}

function primaryOf({ clusters }: ClusterSet): SetMember | undefined {
  return clusters.find(({ role }) => role === "primary");
}

function contradicts(said: ClusterSet | undefined, set: ClusterSet): boolean {
  return said?.id === set.id && said.viewId === set.viewId &&
    primaryOf(said)?.clusterId !== primaryOf(set)?.clusterId;
}

/** Names of other clusters that could not be asked. */
export function unaskedOf({ others }: Pick<FoundSet, "others">): string[] {
  return others.filter(({ asked }) => !asked).map(({ name }) => name);
}

/** Names of other clusters that take writes, or claim to. */
export function rivalsOf({ others }: Pick<FoundSet, "others">): string[] {
  return others.filter(({ rival }) => rival).map(({ name }) => name);
}

/** {@linkcode findSet} for operations that need one. @throws {ClusterSetRefusedError} when there is none */
export async function requireSet(access: SetAccess, db: Mysql, timeoutMs: number = CONNECT_MS): Promise<FoundSet> {
  const found = await findSet(access, db, timeoutMs);
  if (found) return found;
  throw new ClusterSetRefusedError("the cluster is in no cluster set; create the set first");
}

/** A cluster of the set by its name. @throws {ClusterSetRefusedError} when there is none */
export function memberOf({ set }: FoundSet, name: string): SetMember {
  const member = set.clusters.find((cluster) => cluster.name === name);
  if (member) return member;
  throw new ClusterSetRefusedError(`the cluster set has no cluster ${name}; check the name`);
}

/**
 * Connects to all online members of a cluster of the set. One whose servers did not answer a moment ago is not waited for
 * again.
 *
 * @param db connection to a server of any cluster of the set
 * @param options.connectMs milliseconds for a server that may be dead
 * @param options.failed see {@linkcode openCluster}
 * @throws {ClientError} see {@linkcode openCluster}
 */
export async function openMember(
  access: SetAccess,
  db: Mysql,
  found: Pick<FoundSet, "own" | "others">,
  cluster: SetMember,
  { connectMs = CONNECT_MS, failed = [] }: {
    readonly connectMs?: number;
    readonly failed?: readonly Failure[];
  } = {},
): Promise<OpenCluster> {
  requireHeard(found, cluster);
  const opened = await openCluster(access, await addressesOf(db, found, cluster), connectMs, failed);
  try {
    if (await groupNameOf(opened.primary.db) === cluster.groupName) return opened;
    throw new NoQuorumError(`cluster ${cluster.name} does not run: its servers are in another cluster now`);
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/** Of the own cluster its group knows best where the servers are. */
async function addressesOf(
  db: Mysql,
  { own }: Pick<FoundSet, "own">,
  cluster: SetMember,
): Promise<readonly Address[]> {
  if (cluster.clusterId !== own?.clusterId) return cluster.instances;
  const { members } = await readGroup(db);
  return members.some(({ state }) => state === "ONLINE") ? members : cluster.instances;
}

/**
 * A connection to the server that may change the set's metadata; the caller closes it.
 *
 * @param connectMs milliseconds for a server that may be dead
 */
export async function openSetPrimary(access: SetAccess, db: Mysql, connectMs: number = CONNECT_MS): Promise<Mysql> {
  const found = await requireSet(access, db, connectMs);
  await using cluster = await openMember(access, db, found, requirePrimary(found), { connectMs });
  return await access.connect(cluster.primary);
}

/** @throws {ClusterSetRefusedError} when the set has none */
export function requirePrimary({ primary }: FoundSet): SetMember {
  if (primary) return primary;
  throw new ClusterSetRefusedError("the cluster set has no primary cluster; promote one");
}

/** Servers of a cluster that did not answer a moment ago. */
export function failuresOf({ others }: Pick<FoundSet, "others">, { name }: SetMember): readonly Failure[] {
  return others.find((other) => other.name === name)?.failures ?? [];
}

/** Whoever did not answer a moment ago is not waited for again. @throws {ClientError} why a cluster is silent */
export function requireHeard({ others }: Pick<FoundSet, "others">, { name }: SetMember): void {
  const reason = others.find((other) => other.name === name)?.silent;
  if (reason) throw reason;
}
