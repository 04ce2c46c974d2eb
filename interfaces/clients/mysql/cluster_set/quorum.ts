/**
 * A cluster of a set that has lost its majority goes on with the members that are left.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { forceQuorum } from "../group.ts";
import { readGroup } from "../members.ts";
import { readUntil } from "../wait.ts";
import { openCluster, type SetAccess } from "./access.ts";
import { perform } from "./acts.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { unfenceWrites } from "./fence.ts";
import { readMode } from "./modes.ts";
import { askBeforeStart, type StartVerdict } from "./start.ts";
import { planFence } from "./steps.ts";

const PATIENCE_MS = 5000;
/** Milliseconds for the members that are left to elect a primary. */
const ELECTION_MS = 10_000;

/**
 * Goes on with the members that are left of the own cluster, unless it may not take writes. As that takes long, and
 * another cluster may be promoted meanwhile for which this one is gone, a primary cluster is closed then, and opened when
 * the others, asked again under the set's lock, have nothing against it.
 *
 * @param db connection to one of the members that are left
 * @returns what the others said before; nothing was done when it is neither open nor a replica, which stays closed
 * @throws {ClusterSetRefusedError} when they say something else afterwards: the cluster runs, and is closed
 */
export async function forceQuorumInSet(access: SetAccess, db: Mysql): Promise<StartVerdict> {
  const asked = await askBeforeStart(access, db);
  if (!asked.open && asked.why !== "replica") return asked;
  const { members } = await readGroup(db);
  await forceQuorum(db, members.filter(({ state }) => state !== "UNREACHABLE"));
  if (asked.why !== "primary") return asked;
  const { members: left } = await readUntil(() => readGroup(db), ({ primary }) => primary !== undefined, ELECTION_MS);
  await using own = await openCluster(access, left);
  const { readOnly, opening } = await readMode(own.primary.db);
  if (readOnly && !opening) return asked;
  await perform(planFence("old"), { clusters: { old: own }, patienceMs: PATIENCE_MS });
  try {
    await unfenceWrites(access, db);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const now = "this cluster runs again and takes no writes: unfence them when no other cluster does";
    throw new ClusterSetRefusedError(`${error.message}; ${now}`, { cause: error });
  }
  return asked;
}
