/**
 * Makes a replica cluster the primary one: a switchover, in which nothing is lost, or by force when the primary cluster
 * is gone.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import type { Address } from "../status.ts";
import { type OpenCluster, openCluster, type SetAccess } from "./access.ts";
import { type Actors, perform } from "./acts.ts";
import { channelSource, readChannel, startChannel } from "./channel.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { lockSet } from "./lock.ts";
import { awaitSet, executedSet, readMode } from "./modes.ts";
import { changeRecord, type SetMember } from "./records.ts";
import { followers } from "./follow.ts";
import { addressesOf, type FoundSet, memberOf, requireSet, requireUnchanged } from "./state.ts";
import { planFollow, planOpen, planTakeOver } from "./steps.ts";

/** What a promotion did. */
export interface Promotion {
  /** Milliseconds between the old primary's last write and the new one's first; 0 when nothing had to be closed. */
  readonly nobodyWritableMs: number;
  readonly totalMs: number;
  /** Clusters that were left behind: the old primary, when it could not be closed or heard out. */
  readonly invalidated: readonly string[];
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

interface Scene {
  readonly access: SetAccess;
  readonly found: FoundSet;
  readonly target: SetMember;
  readonly new: OpenCluster;
  readonly old: OpenCluster | undefined;
  readonly force: boolean;
  readonly patienceMs: number;
}

const PATIENCE_MS = 30_000;

/**
 * Promotes a cluster. Repeated after it was cut short, it goes on.
 *
 * @param db connection to a server of any cluster of the set
 * @throws {ClusterSetRefusedError} when the replica is not fit, or does not catch up: everything is as before then
 * @throws {ClientError} when the primary cluster cannot be reached and it is not forced
 */
export async function promoteCluster(access: SetAccess, db: Mysql, options: PromoteOptions): Promise<Promotion> {
  const { clusterName, force = false, patienceMs = PATIENCE_MS } = options;
  const start = performance.now();
  const found = await requireSet(access, db);
  const target = memberOf(found, clusterName);
  const known = target.role === "primary" ? undefined : found.primary;
  const opening = openOld(access, known && await addressesOf(db, found, known), force);
  // Else a failure that comes while the other is opened counts as nobody's.
  opening.catch(() => undefined);
  // Both at the same time; what becomes of the second is looked at when the first is there.
  await using _opened = { [Symbol.asyncDispose]: () => closeOld(opening) };
  await using cluster = await openCluster(access, await addressesOf(db, found, target));
  const old = await opening;
  await using _old = old && await lockSet(access, old.primary, found.set.id);
  await using _new = await lockSet(access, cluster.primary, found.set.id);
  await requireUnchanged(found, (old ?? cluster).primary.db);
  const scene: Scene = { access, found, target, new: cluster, old, force, patienceMs };
  const isLeft = known !== undefined && (target.role === "replica");
  const { nobodyWritableMs, heardOut } = await takeOver(scene);
  const source = channelSource(cluster.primary, target.groupName, access.replication);
  await perform(planFollow({ attachOld: false }), { clusters: { new: cluster }, patienceMs });
  const pending = await followers(access, db, { found, target, old: heardOut ? old : undefined, source, patienceMs });
  const invalidated = isLeft && !heardOut ? [known.name] : [];
  return { nobodyWritableMs, totalMs: performance.now() - start, invalidated, pending };
}

/** Everything until the new primary takes writes. */
async function takeOver(scene: Scene): Promise<{ nobodyWritableMs: number; heardOut: boolean }> {
  const { old, force, patienceMs, target } = scene;
  const db = scene.new.primary.db;
  if (target.role === "primary" && !await readChannel(db)) return { nobodyWritableMs: 0, heardOut: true };
  await checkFit(scene);
  const wasOpen = old !== undefined && !(await readMode(old.primary.db)).superReadOnly;
  let heardOut = old !== undefined || target.role === "primary";
  let closedAt = performance.now();
  const readTarget = async () => {
    closedAt = performance.now();
    return old ? await executedSet(old.primary.db) : "";
  };
  const actors: Actors = {
    clusters: { new: scene.new, ...old && { old } },
    target: readTarget,
    drain: true,
    patienceMs,
    record: async () => await record(scene, heardOut),
  };
  const plan = planTakeOver({ closeOld: old !== undefined, follow: old !== undefined });
  try {
    await perform(plan.prepare, actors);
  } catch (error) {
    if (!force || !(error instanceof ClientError)) {
      await undo(scene, wasOpen);
      throw error;
    }
    // The operator has said so: what the old primary has beyond this is left behind with it.
    heardOut = false;
    await perform(planTakeOver({ closeOld: false, follow: false }).prepare, actors);
  }
  await perform(plan.open, actors);
  return { nobodyWritableMs: wasOpen ? performance.now() - closedAt : 0, heardOut };
}

/** Looked at while the old primary still takes writes. */
async function checkFit({ new: cluster, old, target, force, patienceMs }: Scene): Promise<void> {
  if (force || !old) return;
  if (target.invalidated) {
    throw new ClusterSetRefusedError(`${target.name} was left behind by a forced promotion: rejoin it first`);
  }
  // An earlier call may have been cut short when it had stopped the channel.
  if (await readChannel(cluster.primary.db)) await startChannel(cluster.primary.db);
  const channel = await readChannel(cluster.primary.db);
  if (channel?.receiver !== "ON" || channel.applier !== "ON") {
    throw new ClusterSetRefusedError(`${target.name} does not follow the primary cluster now; look at its status`);
  }
  if (cluster.unreachable.length + old.unreachable.length > 0) {
    throw new ClusterSetRefusedError("not all online members of both clusters can be reached from here");
  }
  await awaitSet(cluster.primary.db, await executedSet(old.primary.db), patienceMs);
}

async function record({ found, target, new: cluster }: Scene, heardOut: boolean): Promise<void> {
  const left = found.primary && found.primary.clusterId !== target.clusterId && !heardOut ? [found.primary] : [];
  await changeRecord(cluster.primary.db, found.set.id, {
    kind: "roles",
    primary: target.clusterId,
    invalidated: left.map(({ clusterId }) => clusterId),
  });
}

/** The old primary takes writes again, and the replica follows it. A step that took too long has ended its connection. */
async function undo({ access, old, new: cluster, patienceMs }: Scene, wasOpen: boolean): Promise<void> {
  if (old && wasOpen) {
    await using again = await openCluster(access, [old.primary, ...old.secondaries]);
    await perform(planOpen("old"), { clusters: { old: again }, patienceMs });
  }
  await using replica = await openCluster(access, [cluster.primary, ...cluster.secondaries]);
  if (await readChannel(replica.primary.db)) await startChannel(replica.primary.db);
}

async function openOld(
  access: SetAccess,
  addresses: readonly Address[] | undefined,
  force: boolean,
): Promise<OpenCluster | undefined> {
  if (!addresses) return undefined;
  try {
    return await openCluster(access, addresses);
  } catch (error) {
    if (force && error instanceof ClientError) return undefined;
    throw error;
  }
}

/** Closes what was opened; why it was not is told where it is asked for. */
async function closeOld(opening: Promise<OpenCluster | undefined>): Promise<void> {
  const old = await opening.catch(() => undefined);
  await old?.[Symbol.asyncDispose]();
}
