/**
 * Makes a replica cluster the primary one: a switchover, in which nothing is lost, or by force when the primary cluster
 * is gone.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { isGone, type OpenCluster, type SetAccess } from "./access.ts";
import { perform } from "./acts.ts";
import { channelSource } from "./channel.ts";
import { ClusterSetLockedError, ClusterSetRefusedError } from "./errors.ts";
import { followers } from "./follow.ts";
import { lockSet, lockWith, openForLock } from "./lock.ts";
import type { SetMember } from "./records.ts";
import { type FoundSet, memberOf, openMember, requireSet } from "./state.ts";
import { planDetach } from "./steps.ts";
import { takeOver } from "./take_over.ts";
import { reachOwn, requireAlone, requireUnchanged } from "./with_set.ts";

/** What a promotion did. */
export interface Promotion {
  /** Milliseconds between the old primary's last write and the new one's first; 0 when nothing had to be closed. */
  readonly nobodyWritableMs: number;
  readonly totalMs: number;
  /** Clusters that were left behind: the old primary, when it could not be closed or heard out. */
  readonly invalidated: readonly string[];
  /** Transactions that the new primary had received and could not execute, and that are given up; empty: none. */
  readonly notExecuted: string;
  /** Clusters that do not follow the new primary yet, and why. */
  readonly pending: readonly string[];
}

/** How to promote. */
export interface PromoteOptions {
  readonly clusterName: string;
  /** Also without the present primary cluster. MySQL cannot tell whether that is really dead: it must be. */
  readonly force?: boolean;
  /** Milliseconds to wait for the replica to catch up; 30 s without it. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;

/**
 * Promotes a cluster. Repeated after it was cut short, it goes on.
 *
 * @param db connection to a server of any cluster of the set
 * @throws {ClusterSetRefusedError} when the replica is not fit, or does not catch up: everything is as before then. By
 * force, when the primary cluster runs and cannot be closed
 * @throws {ClientError} when the primary cluster cannot be reached and it is not forced
 */
export async function promoteCluster(access: SetAccess, db: Mysql, options: PromoteOptions): Promise<Promotion> {
  const { clusterName, force = false, patienceMs = PATIENCE_MS } = options;
  const start = performance.now();
  await using own = reachOwn(access, db);
  const before = await requireSet(access, db);
  const target = memberOf(before, clusterName);
  const known = target.role === "primary" ? undefined : before.primary;
  // By force it is looked at under the new one's lock only: whoever starts the old one from there on finds that.
  let opening: Promise<OpenCluster | undefined> | undefined = force || !known
    ? undefined
    : openMember(access, db, before, known);
  const openingLock = opening?.then((old) => old && openForLock(access, old.primary));
  // Else a failure that comes while the other is opened counts as nobody's.
  opening?.catch(() => undefined);
  openingLock?.catch(() => undefined);
  await using _opened = { [Symbol.asyncDispose]: () => closeOld(opening) };
  await using _openedLock = { [Symbol.asyncDispose]: () => closeOld(openingLock) };
  await using cluster = await own.open(before, target);
  await using _new = await lockSet(access, cluster.primary, before.set.id);
  const found = force ? await requireSet(access, db) : before;
  if (found.set.viewId > before.set.viewId) throw new ClusterSetLockedError("");
  requireAlone(found, known ? [target, known] : [target]);
  if (force && known) opening = openUnlessGone(access, db, found, known);
  const old = await opening;
  await using lock = old &&
    await lockWith(await openingLock ?? await openForLock(access, old.primary), access, found.set.id);
  await requireUnchanged(found, (old ?? cluster).primary.db);
  const scene = { access, found, target, known, new: cluster, old, lock, force, patienceMs };
  const { nobodyWritableMs, left, notExecuted } = await takeOver(scene);
  const source = channelSource(cluster.primary, target.groupName, access.replication);
  await perform(planDetach("new"), { clusters: { new: cluster }, patienceMs });
  const { primary: { db: primary } } = cluster;
  const pending = await followers(access, db, { found, target, left, old, primary, source, patienceMs });
  const invalidated = left.map(({ name }) => name);
  return { nobodyWritableMs, totalMs: performance.now() - start, invalidated, notExecuted, pending };
}

/** One that runs and that we are not let in to is not gone: it takes writes. */
async function openUnlessGone(
  access: SetAccess,
  db: Mysql,
  found: FoundSet,
  known: SetMember,
): Promise<OpenCluster | undefined> {
  try {
    return await openMember(access, db, found, known);
  } catch (error) {
    if (isGone(error)) return undefined;
    if (!(error instanceof ClientError)) throw error;
    throw new ClusterSetRefusedError(
      `${known.name} may take writes and cannot be closed (${error.message}): fence it there, or stop its servers`,
      { cause: error },
    );
  }
}

/** Closes what was opened; why it was not is told where it is asked for. */
async function closeOld(opening: Promise<AsyncDisposable | undefined> | undefined): Promise<void> {
  const old = await opening?.catch(() => undefined);
  await old?.[Symbol.asyncDispose]();
}
