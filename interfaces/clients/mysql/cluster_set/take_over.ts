/**
 * The part of a promotion in which writes move from one cluster to another: never two of them take writes.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import { GtidSet } from "../gtid.ts";
import { isGone, membersOf, type OpenCluster, openCluster, type SetAccess } from "./access.ts";
import { type Actors, perform } from "./acts.ts";
import { awaitReplicated, awaitRest, findChannel, follows, hasChannel, startChannel } from "./channel.ts";
import { ClusterSetLockedError, ClusterSetRefusedError } from "./errors.ts";
import { type Lock, lockSet } from "./lock.ts";
import { executedSet, readMode } from "./modes.ts";
import { changeRecord, type SetMember } from "./records.ts";
import { type FoundSet, unaskedOf } from "./state.ts";
import { planOpen, planTakeOver } from "./steps.ts";
import { requireUnchanged } from "./with_set.ts";

/** Who takes over from whom. */
export interface Scene {
  readonly access: SetAccess;
  readonly found: FoundSet;
  readonly target: SetMember;
  /** The old primary; undefined when the target is recorded as primary already. */
  readonly known: SetMember | undefined;
  readonly new: OpenCluster;
  /** The old primary when it can be reached, and the set's lock there. */
  readonly old: OpenCluster | undefined;
  readonly lock: Lock | undefined;
  readonly force: boolean;
  readonly patienceMs: number;
}

/** What came of it. */
export interface TakenOver {
  readonly nobodyWritableMs: number;
  /** Clusters that could not be closed or heard out. */
  readonly left: readonly SetMember[];
  /** Transactions that the new primary has received and cannot execute; empty when it has executed all. */
  readonly notExecuted: string;
}

/** Everything until the new primary takes writes. */
export async function takeOver(scene: Scene): Promise<TakenOver> {
  const { old, lock, force, patienceMs, target } = scene;
  const db = scene.new.primary.db;
  if (target.role === "primary" && !await hasChannel(db)) return { nobodyWritableMs: 0, left: [], notExecuted: "" };
  const follow = await checkFit(scene);
  const wasOpen = old !== undefined && !(await readMode(old.primary.db)).readOnly;
  let left = follow ? [] : leftBehind(scene);
  let notExecuted = "";
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
    record: () => record(scene, left),
  };
  const { prepare, open } = planTakeOver({ closeOld: old !== undefined, follow });
  try {
    await perform(prepare, actors);
    // Lost with the connection: somebody else may be opening the old primary.
    if (lock && !await lock.isHeld()) throw new ClusterSetLockedError("");
  } catch (error) {
    if (!force || !(error instanceof ClientError)) return await giveUp(scene, wasOpen, error);
    notExecuted = await prepareByForce(scene, actors, error).catch((refused) => giveUp(scene, wasOpen, refused));
    // The operator has said so: what the old primary has beyond this is left behind with it.
    left = leftBehind(scene);
  }
  try {
    await perform(open, actors);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new ClientError(`${error.message}; maybe no cluster takes writes now: promote ${target.name} again`, {
      cause: error,
    });
  }
  return { nobodyWritableMs: wasOpen ? performance.now() - closedAt : 0, left, notExecuted };
}

/**
 * By force the replica need not have everything. What it has received and cannot execute is given up only when the old
 * primary is gone: else that one goes on.
 *
 * @returns what is given up
 * @throws {ClusterSetRefusedError} when the old primary runs
 */
async function prepareByForce(scene: Scene, actors: Actors, failed: ClientError): Promise<string> {
  const { known, old, target, new: { primary: { db } } } = scene;
  const { prepare } = planTakeOver({ closeOld: false, follow: false });
  if (await stateOf(scene) === "open") {
    const refused = `${known?.name} takes writes and cannot be closed (${failed.message})`;
    throw new ClusterSetRefusedError(`${refused}: end what keeps it, or stop its servers`, { cause: failed });
  }
  try {
    // Without an old primary it is this that has failed.
    if (!old) throw failed;
    await perform(prepare, actors);
    return "";
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (await stateOf(scene) !== "gone") {
      const refused = `${known?.name} runs, and ${target.name} cannot execute what it has received (${error.message})`;
      throw new ClusterSetRefusedError(`${refused}: look at its status, or stop the servers of ${known?.name}`, {
        cause: error,
      });
    }
  }
  await perform(prepare, { ...actors, drain: false });
  const received = GtidSet.parse((await findChannel(db))?.receivedSet ?? "");
  return `${received.subtract(GtidSet.parse(await executedSet(db)))}`;
}

/** Of a target that is recorded as primary already it is not known who was: whoever cannot be asked. */
function leftBehind({ known, found, target, force }: Scene): SetMember[] {
  if (known) return [known];
  const unasked = force ? unaskedOf(found) : [];
  return found.set.clusters.filter(({ name }) => name !== target.name && unasked.includes(name));
}

/**
 * Looked at while the old primary still takes writes.
 *
 * @returns whether the replica gets everything that the old primary has
 */
async function checkFit({ found, new: cluster, old, target, force, patienceMs }: Scene): Promise<boolean> {
  const db = cluster.primary.db;
  if (target.role === "primary" && !force) requireFresh(found, target);
  if (!old) return false;
  // An earlier call may have been cut short when it had stopped the channel.
  if (force) return !target.invalidated && await follows(db).catch(orNot);
  if (target.invalidated) {
    throw new ClusterSetRefusedError(`${target.name} was left behind by a forced promotion: rejoin it first`);
  }
  if (!await follows(db)) {
    throw new ClusterSetRefusedError(`${target.name} does not follow the primary cluster now; look at its status`);
  }
  if (cluster.unreachable.length + old.unreachable.length > 0) {
    throw new ClusterSetRefusedError("not all online members of both clusters can be reached from here");
  }
  await awaitReplicated(db, await executedSet(old.primary.db), patienceMs);
  // Here nobody waits for it.
  await awaitRest(db);
  return true;
}

/** A replica's own record is old when it has not received the last promotion: another may be the primary since. */
function requireFresh(found: FoundSet, target: SetMember): void {
  const unasked = unaskedOf(found).filter((name) => name !== target.name);
  if (unasked.length === 0) return;
  throw new ClusterSetRefusedError(
    `${
      unasked.join(", ")
    } cannot be asked whether it is the primary cluster now: bring it back, or use force if it is gone`,
  );
}

function orNot(error: unknown): false {
  if (error instanceof ClientError) return false;
  throw error;
}

async function record({ found, target, new: cluster }: Scene, left: readonly SetMember[]): Promise<void> {
  await changeRecord(cluster.primary.db, found.set.id, {
    kind: "roles",
    primary: target.clusterId,
    invalidated: left.map(({ clusterId }) => clusterId),
    viewId: found.set.viewId,
  });
}

/** Whether somebody may write at the old primary, now or after an election; nobody does at a cluster that is gone. */
async function stateOf({ access, old }: Scene): Promise<"gone" | "closed" | "open"> {
  if (!old) return "gone";
  try {
    await using now = await openCluster(access, membersOf(old));
    const { superReadOnly, opening } = await readMode(now.primary.db);
    return superReadOnly && !opening ? "closed" : "open";
  } catch (error) {
    if (isGone(error)) return "gone";
    if (error instanceof ClientError) return "open";
    throw error;
  }
}

async function giveUp(scene: Scene, wasOpen: boolean, error: unknown): Promise<never> {
  try {
    await undo(scene, wasOpen);
  } catch (also) {
    if (!(error instanceof ClientError && also instanceof ClientError)) throw also;
    const how = `writes of ${scene.known?.name} may be fenced now (${also.message}): unfence them, or promote again`;
    throw new ClientError(`${error.message}; ${how}`, { cause: error });
  }
  throw error;
}

/** The old primary takes writes again, and the replica follows it. A step that took too long has ended its connection. */
async function undo({ access, found, old, lock, new: cluster, patienceMs }: Scene, wasOpen: boolean): Promise<void> {
  if (old && wasOpen) {
    await using again = await openCluster(access, membersOf(old));
    await using _ = await lock?.isHeld() ? undefined : await lockSet(access, again.primary, found.set.id);
    await requireUnchanged(found, again.primary.db);
    await perform(planOpen("old"), { clusters: { old: again }, patienceMs });
  }
  await using replica = await openCluster(access, membersOf(cluster));
  // One whose applier has an error did not follow before.
  if (await hasChannel(replica.primary.db)) await startChannel(replica.primary.db).catch(orNot);
}
