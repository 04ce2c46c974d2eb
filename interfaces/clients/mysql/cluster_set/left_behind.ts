/**
 * A primary cluster that could not be reached while another was promoted by force, and that runs on.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import { readGroup } from "../members.ts";
import { CONNECT_MS, openCluster, type SetAccess } from "./access.ts";
import { perform } from "./acts.ts";
import { readMode } from "./modes.ts";
import { findSet } from "./state.ts";
import { planFence } from "./steps.ts";

const PATIENCE_MS = 5000;

/**
 * Closes the own cluster when the newest that any cluster of the set knows says that another one is the primary.
 * Nobody tells it: the channel from the new primary is made by a rejoin only.
 *
 * @param db connection to one of its servers
 * @param connectMs milliseconds for a server of another cluster that may be dead
 * @returns the name of the cluster that was promoted, when this one was open and is closed now
 */
export async function closeIfLeftBehind(
  access: SetAccess,
  db: Mysql,
  connectMs: number = CONNECT_MS,
): Promise<string | undefined> {
  const { self, primary, members } = await readGroup(db);
  if (primary !== undefined && primary.uuid === self?.uuid && await isClosed(db)) return undefined;
  await using own = await openCluster(access, members, connectMs);
  // Looked at first: one that is promoted meanwhile is recorded as the primary before it opens.
  if (await isClosed(own.primary.db)) return undefined;
  const found = await findSet(access, own.primary.db, connectMs);
  // One that was also removed is not in the record any more. A set without a primary is just being made.
  if (!found?.primary || found.own?.clusterId === found.primary.clusterId) return undefined;
  await perform(planFence("old"), { clusters: { old: own }, patienceMs: PATIENCE_MS });
  return found.primary.name;
}

async function isClosed(primary: Mysql): Promise<boolean> {
  const { readOnly, opening } = await readMode(primary);
  return readOnly && !opening;
}
