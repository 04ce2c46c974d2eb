/**
 * Before a cluster of a set is started anew: an old primary must not take writes when another cluster does. MySQL does
 * not ask; a primary that opens itself makes two.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import { createGroup } from "../group.ts";
import type { SetAccess } from "./access.ts";
import { ClusterSetLockedError, ClusterSetRefusedError } from "./errors.ts";
import { unfenceWrites } from "./fence.ts";
import { readMode, setOpening, setSuperReadOnly } from "./modes.ts";
import { readClusterSet } from "./records.ts";
import { findSet, type FoundSet, rivalsOf, unaskedOf } from "./state.ts";

/** Whether a cluster may take writes when it starts. */
export interface StartVerdict {
  readonly open: boolean;
  /**
   * `alone`: it is in no set; `primary`: every other cluster agrees; `replica`: another is; `invalidated`: it was left
   * behind; `removed`: it is no longer in the set; `unasked`: another cluster cannot be asked and may be the primary;
   * `stale`: its own servers do not know of it; `rival`: another takes writes; `fenced`: it took none before;
   * `changing`: somebody changes the set.
   */
  readonly why:
    | "alone"
    | "primary"
    | "replica"
    | "invalidated"
    | "removed"
    | "unasked"
    | "stale"
    | "rival"
    | "fenced"
    | "changing";
  /** Names of clusters that could not be asked. */
  readonly unasked: readonly string[];
}

/**
 * Starts a cluster with one of its servers. In a set it starts closed, however long that takes, and is opened when the
 * others, asked under the set's lock, have nothing against it.
 *
 * @param db connection to that server; it may be configured for the group, and does not run in it
 * @returns whether it takes writes now
 */
export async function startInSet(access: SetAccess, db: Mysql): Promise<StartVerdict> {
  const asked = await askBeforeStart(access, db);
  if (asked.why === "alone") {
    await createGroup(db);
    return asked;
  }
  const { opening } = await readMode(db);
  await keepClosed(db);
  await createGroup(db, { readOnly: true });
  if (!asked.open) return asked;
  if (!opening) return { ...asked, open: false, why: "fenced" };
  try {
    await unfenceWrites(access, db);
    return asked;
  } catch (error) {
    if (!(error instanceof ClusterSetRefusedError || error instanceof ClusterSetLockedError)) throw error;
    const again = await askBeforeStart(access, db);
    return again.open ? { ...again, open: false, why: "changing" } : again;
  }
}

/** Asks the other clusters of the set. @param db connection to a server of the cluster, which does not run */
export async function askBeforeStart(access: SetAccess, db: Mysql): Promise<StartVerdict> {
  const found = await findSet(access, db);
  const known = await readClusterSet(db);
  return verdictOf(found, known?.clusters.some(({ groupName }) => groupName === known.ownGroup) ?? false);
}

/** What follows from the answers. @param wasIn whether the server itself takes its cluster for a part of the set */
export function verdictOf(found: FoundSet | undefined, wasIn: boolean): StartVerdict {
  // A set without clusters is one whose making was cut short.
  if (!found || found.set.clusters.length === 0) return { open: true, why: "alone", unasked: [] };
  const unasked = unaskedOf(found);
  const closed = (why: StartVerdict["why"]): StartVerdict => ({ open: false, why, unasked });
  if (!found.own) return closed("removed");
  if (found.own.invalidated) return closed("invalidated");
  if (found.own.role === "replica") return closed("replica");
  if (unasked.length > 0) return closed("unasked");
  if (!wasIn) return closed("stale");
  return rivalsOf(found).length > 0 ? closed("rival") : { open: true, why: "primary", unasked };
}

/** Keeps a server, and with it the cluster that is made of it, from taking writes until somebody opens it. */
export async function keepClosed(db: Mysql): Promise<void> {
  const { opening, superReadOnly } = await readMode(db);
  if (opening) {
    if (superReadOnly) await setSuperReadOnly(db, false);
    await setOpening(db, false);
  }
  if (opening || !superReadOnly) await setSuperReadOnly(db, true);
}
