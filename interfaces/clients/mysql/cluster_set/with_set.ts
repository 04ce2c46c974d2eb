/**
 * Changes of a cluster set: one at a time, and what they have to make sure of.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { readGroup } from "../members.ts";
import { CONNECT_MS, type OpenCluster, openCluster, type SetAccess } from "./access.ts";
import { ClusterSetLockedError, ClusterSetRefusedError } from "./errors.ts";
import { lockSet } from "./lock.ts";
import { readClusterSet, type SetMember } from "./records.ts";
import { type FoundSet, openMember, requirePrimary, requireSet, rivalsOf } from "./state.ts";

/** What an operation works with while it holds the set's lock. */
export interface LockedSet extends FoundSet {
  readonly primary: SetMember;
  readonly primaryCluster: OpenCluster;
}

/**
 * Does something while nobody else changes the set.
 *
 * @param lookMs milliseconds for a server of another cluster to tell how it does
 * @throws {ClusterSetLockedError} when somebody else does
 * @throws {ClientError} when the primary cluster does not run or cannot be reached
 */
export async function withSet<T>(
  access: SetAccess,
  db: Mysql,
  work: (at: LockedSet) => Promise<T>,
  lookMs: number = CONNECT_MS,
): Promise<T> {
  await using own = reachOwn(access, db);
  const found = await requireSet(access, db, lookMs);
  const primary = requirePrimary(found);
  await using primaryCluster = await own.open(found, primary);
  await using _ = await lockSet(access, primaryCluster.primary, found.set.id);
  await requireUnchanged(found, primaryCluster.primary.db);
  return await work({ ...found, primary, primaryCluster });
}

/** The own cluster, which is reached meanwhile. */
export interface ReachedOwn extends AsyncDisposable {
  /** Connects to a cluster of the set as {@linkcode openMember} does, or has done so when it is the own one. */
  open(found: FoundSet, cluster: SetMember): Promise<OpenCluster>;
}

/** Begins to connect to the own cluster: mostly it is the one that is meant, and the others are still to be asked. */
export function reachOwn(access: SetAccess, db: Mysql): ReachedOwn {
  const opening = openOwn(access, db);
  // Else a failure that comes while the others are asked counts as nobody's.
  opening.catch(() => undefined);
  return {
    async open(found, cluster) {
      const own = found.own?.clusterId === cluster.clusterId ? await opening : undefined;
      return own ?? await openMember(access, db, found, cluster);
    },
    async [Symbol.asyncDispose]() {
      await (await opening.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

/** @returns undefined where that fails: {@linkcode openMember} says why */
async function openOwn(access: SetAccess, db: Mysql): Promise<OpenCluster | undefined> {
  try {
    return await openCluster(access, (await readGroup(db)).members);
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}

/** Between reading and locking somebody else may have finished a change. */
export async function requireUnchanged({ set }: FoundSet, db: Mysql): Promise<void> {
  const now = await readClusterSet(db);
  if (now?.id !== set.id || now.viewId > set.viewId) throw new ClusterSetLockedError("");
}

/**
 * Makes sure that a cluster may take writes. What has been asked under the own cluster's lock holds: whoever opens
 * another cluster takes that one's lock first, and asks then.
 *
 * @param except clusters that the caller closes and holds the lock of
 * @throws {ClusterSetLockedError} when the set is being changed at another cluster
 * @throws {ClusterSetRefusedError} when another cluster takes writes
 */
export function requireAlone({ others }: FoundSet, except: readonly SetMember[] = []): void {
  const rest = others.filter(({ name }) => except.every((cluster) => cluster.name !== name));
  const busy = rest.find(({ holder }) => holder !== undefined);
  if (busy) throw new ClusterSetLockedError(busy.holder ?? "");
  const rivals = rivalsOf({ others: rest });
  if (rivals.length === 0) return;
  throw new ClusterSetRefusedError(`${rivals.join(", ")} takes writes: rejoin it, or remove it from the cluster set`);
}
