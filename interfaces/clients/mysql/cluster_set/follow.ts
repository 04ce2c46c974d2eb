/**
 * After a promotion the other clusters of the set follow the new primary.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { ErrantTransactionsError } from "../errors.ts";
import { GtidSet } from "../gtid.ts";
import type { OpenCluster, SetAccess } from "./access.ts";
import { perform } from "./acts.ts";
import { type ChannelSource, isFollowing } from "./channel.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { executedAndPurged, executedSet } from "./modes.ts";
import type { SetMember } from "./records.ts";
import { type FoundSet, openMember } from "./state.ts";
import { planAttach, planFence } from "./steps.ts";

/** What follows whom. */
export interface Followers {
  readonly found: FoundSet;
  /** The new primary. */
  readonly target: SetMember;
  /** Clusters that were left behind. */
  readonly left: readonly SetMember[];
  /** The old primary when it could be reached. */
  readonly old: OpenCluster | undefined;
  /** Connection to the new primary cluster's primary. */
  readonly primary: Mysql;
  readonly source: ChannelSource;
  readonly patienceMs: number;
}

/**
 * Lets every cluster that can be reached and was not left behind follow the new primary.
 *
 * @returns a line for each that does not yet: to rejoin
 */
export async function followers(
  access: SetAccess,
  db: Mysql,
  { found, target, left, old, primary, source, patienceMs }: Followers,
): Promise<string[]> {
  const isLeft = ({ clusterId, invalidated }: SetMember) =>
    invalidated || left.some((each) => each.clusterId === clusterId);
  const others = found.set.clusters.filter((each) => each.clusterId !== target.clusterId && !isLeft(each));
  const pending = await Promise.all(others.map(async (cluster): Promise<string[]> => {
    try {
      const known = cluster.clusterId === found.primary?.clusterId ? old : undefined;
      await using opened = known ? undefined : await openMember(access, db, found, cluster);
      const replica = known ?? opened;
      if (!replica) return [];
      await follow(replica, primary, source, patienceMs);
      return [];
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return [`${cluster.name}: ${error.message}`];
    }
  }));
  return pending.flat();
}

/**
 * Closes a cluster and lets it follow another.
 *
 * @param primary connection to the primary of the cluster that it follows
 * @throws {ErrantTransactionsError} when it has transactions of its own: MySQL would not notice
 */
export async function follow(
  replica: OpenCluster,
  primary: Mysql,
  source: ChannelSource,
  patienceMs: number,
): Promise<void> {
  await perform(planFence("replica"), { clusters: { replica }, patienceMs });
  // Read first, and when nobody can write there any more.
  const executed = GtidSet.parse(await executedSet(replica.primary.db));
  const theirs = await executedAndPurged(primary);
  const errant = executed.subtract(GtidSet.parse(theirs.executed));
  if (!errant.isEmpty) throw new ErrantTransactionsError(`${errant}`);
  if (!executed.contains(GtidSet.parse(theirs.purged))) {
    throw new ClusterSetRefusedError(
      "the primary cluster no longer has all transactions that the replica lacks: remove it, and add it by clone",
    );
  }
  if (await isFollowing(replica.primary.db, source.groupName)) return;
  await perform(planAttach("replica"), { clusters: { replica }, source, patienceMs });
}
