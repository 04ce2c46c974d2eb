/**
 * Before a cluster of a set is started anew: an old primary must not take writes when another cluster does. MySQL does
 * not ask; a primary that opens itself makes two.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import type { SetAccess } from "./access.ts";
import { readMode, setOpening, setSuperReadOnly } from "./modes.ts";
import { readClusterSet } from "./records.ts";
import { findSet, type FoundSet, groupNameOf } from "./state.ts";

/** Whether a cluster may take writes when it starts. */
export interface StartVerdict {
  /** With false, {@linkcode keepClosed} comes before `createGroup`, and that with `readOnly`. */
  readonly open: boolean;
  /**
   * `alone`: it is in no set; `primary`: every other cluster agrees; `replica`: another is; `invalidated`: it was left
   * behind; `removed`: it is no longer in the set; `unasked`: another cluster cannot be asked and may be the primary.
   */
  readonly why: "alone" | "primary" | "replica" | "invalidated" | "removed" | "unasked";
  /** Names of clusters that could not be asked. */
  readonly unasked: readonly string[];
}

/** Asks the other clusters of the set. @param db connection to a server of the cluster, which does not run */
export async function askBeforeStart(access: SetAccess, db: Mysql): Promise<StartVerdict> {
  const found = await findSet(access, db);
  const known = (await readClusterSet(db))?.clusters ?? [];
  const groupName = await groupNameOf(db);
  return verdictOf(found, known.some((cluster) => cluster.groupName === groupName));
}

/** What follows from the answers. @param wasIn whether the server itself takes its cluster for a part of the set */
export function verdictOf(found: FoundSet | undefined, wasIn: boolean): StartVerdict {
  const unasked = found?.unasked ?? [];
  if (!found) return { open: true, why: "alone", unasked };
  if (!found.own) return { open: false, why: "removed", unasked };
  if (found.own.invalidated) return { open: false, why: "invalidated", unasked };
  if (found.own.role === "replica") return { open: false, why: "replica", unasked };
  if (!wasIn || unasked.length > 0) return { open: false, why: "unasked", unasked };
  return { open: true, why: "primary", unasked };
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
