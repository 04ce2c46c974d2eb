/**
 * Fencing: the primary cluster takes no writes, on purpose and over elections.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import { readGroup } from "../members.ts";
import { openCluster, type SetAccess } from "./access.ts";
import { perform } from "./acts.ts";
import { hasChannel } from "./channel.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { readMode } from "./modes.ts";
import { groupNameOf, type LockedSet, withSet } from "./state.ts";
import { planFence, planOpen } from "./steps.ts";

const PATIENCE_MS = 5000;

/**
 * Fences the own cluster, which has to be the primary one.
 *
 * @returns false when it was fenced already
 */
export async function fenceWrites(access: SetAccess, db: Mysql): Promise<boolean> {
  return await withSet(access, db, async (at) => {
    await requirePrimary(at, db);
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
 * @throws {ClusterSetRefusedError} when another cluster is the primary, or may be because it cannot be asked
 */
export async function unfenceWrites(access: SetAccess, db: Mysql): Promise<boolean> {
  return await withSet(access, db, async (at) => {
    await requirePrimary(at, db);
    if (at.unasked.length > 0) {
      throw new ClusterSetRefusedError(
        `${
          at.unasked.join(", ")
        } cannot be asked whether it takes writes now: bring it back, or remove it from the set`,
      );
    }
    const before = await readMode(at.primaryCluster.primary.db);
    if (!before.readOnly && before.opening) return false;
    await perform(planOpen("old"), { clusters: { old: at.primaryCluster }, patienceMs: PATIENCE_MS });
    return true;
  });
}

/** Whether the own cluster is fenced; its servers alone are asked. A replica is closed, but not fenced. */
export async function isWritesFenced(access: SetAccess, db: Mysql): Promise<boolean> {
  await using cluster = await openCluster(access, (await readGroup(db)).members);
  const { primary: { db: primary } } = cluster;
  const { superReadOnly, opening } = await readMode(primary);
  return superReadOnly && !opening && !await hasChannel(primary);
}

async function requirePrimary({ primary, own }: LockedSet, db: Mysql): Promise<void> {
  if (own?.clusterId === primary.clusterId && primary.groupName === await groupNameOf(db)) return;
  throw new ClusterSetRefusedError(`${primary.name} is the primary cluster: ask one of its servers`);
}
