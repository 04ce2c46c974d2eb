/**
 * Fencing: the primary cluster takes no writes, on purpose and over elections.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import { readGroup } from "../members.ts";
import { CONNECT_MS, openCluster, type SetAccess } from "./access.ts";
import { perform } from "./acts.ts";
import { hasChannel } from "./channel.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { readMode } from "./modes.ts";
import { type FoundSet, requirePrimary, requireSet, unaskedOf } from "./state.ts";
import { planFence, planOpen } from "./steps.ts";
import { type LockedSet, requireAlone, withSet } from "./with_set.ts";

const PATIENCE_MS = 5000;

/**
 * Fences the own cluster, which has to be the primary one.
 *
 * @returns false when it was fenced already
 */
export async function fenceWrites(access: SetAccess, db: Mysql): Promise<boolean> {
  return await withSet(access, db, async (at) => {
    requireOwn(at);
    const before = await readMode(at.primaryCluster.primary.db);
    if (before.superReadOnly && !before.opening) return false;
    await perform(planFence("old"), { clusters: { old: at.primaryCluster }, patienceMs: PATIENCE_MS });
    return true;
  });
}

/**
 * Lets the own cluster take writes again.
 *
 * @returns false when it took them
 * @throws {ClusterSetRefusedError} when another cluster takes writes, or may because it cannot be asked
 */
export async function unfenceWrites(access: SetAccess, db: Mysql): Promise<boolean> {
  return await withSet(access, db, async (at) => {
    requireOwn(at);
    const before = await readMode(at.primaryCluster.primary.db);
    if (!before.readOnly && before.opening) return false;
    requireAsked(at);
    // Again under the lock: whoever opens another cluster from here on finds this one.
    const found = await requireSet(access, db);
    requireOwn({ own: found.own, primary: requirePrimary(found) });
    requireAsked(found);
    requireAlone(found);
    await perform(planOpen("old"), { clusters: { old: at.primaryCluster }, patienceMs: PATIENCE_MS });
    return true;
  });
}

/**
 * Whether the own cluster is fenced; its primary alone is asked. A replica is closed, but not fenced. Half-way between the
 * two, clients cannot write: it is fenced.
 */
export async function isWritesFenced(access: SetAccess, db: Mysql): Promise<boolean> {
  const { self, primary, members } = await readGroup(db);
  if (primary && primary.uuid === self?.uuid) return await isClosedOnPurpose(db);
  await using other = primary ? await access.connect(primary, CONNECT_MS) : undefined;
  if (other) return await isClosedOnPurpose(other);
  await using cluster = await openCluster(access, members);
  return await isClosedOnPurpose(cluster.primary.db);
}

async function isClosedOnPurpose(primary: Mysql): Promise<boolean> {
  return (await readMode(primary)).readOnly && !await hasChannel(primary);
}

function requireAsked(found: FoundSet): void {
  const unasked = unaskedOf(found);
  if (unasked.length === 0) return;
  throw new ClusterSetRefusedError(
    `${unasked.join(", ")} cannot be asked whether it takes writes now: bring it back, or remove it from the set`,
  );
}

/** @throws {ClusterSetRefusedError} when another cluster is the primary one */
function requireOwn({ primary, own }: Pick<LockedSet, "primary" | "own">): void {
  if (own?.clusterId === primary.clusterId) return;
  throw new ClusterSetRefusedError(`${primary.name} is the primary cluster: ask one of its servers`);
}
