/**
 * A member that waits in vain for the cluster's data. MySQL 9.7.4 has a member tell a new one what it lacks, and forgets to
 * choose one when another member is expelled at the very moment of the join; the new one gives up after five minutes.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { stopMember } from "../../clients/mysql/group.ts";
import { readKnowledge } from "../../clients/mysql/outage.ts";
import { readChannels } from "../../clients/mysql/status.ts";
import { type Memory, readMemory, remember } from "./memory.ts";
import type { Place } from "./place.ts";

/** What a member that gets the cluster's data has, and whether it is at work. */
export interface Progress {
  /** Set of transactions. */
  readonly executed: string;
  /** Data is coming in, or has come in and is not executed yet. */
  readonly isBusy: boolean;
}

/** Milliseconds after which one that has done nothing has to begin again. */
const PATIENCE_MS = 30_000;

/**
 * Stops a member that waits in vain, so that it joins again.
 *
 * @param own connection to a server that is RECOVERING
 * @returns whether it has been stopped
 */
export async function stopIfStuck(ctx: Context, place: Place, own: Mysql): Promise<boolean> {
  const idle = idleSince(readMemory(ctx).idle, await readProgress(place, own), Date.now());
  const isStuck = idle !== undefined && Date.now() - idle.since >= PATIENCE_MS;
  remember(ctx, { idle: isStuck ? undefined : idle });
  if (!isStuck) return false;
  ctx.log.warning("this member waits in vain for the cluster's data: it joins again");
  await stopMember(own);
  return true;
}

/** Since when a member has done nothing, as far as the looks at it can tell; undefined while it is at work. */
export function idleSince(before: Memory["idle"], { executed, isBusy }: Progress, now: number): Memory["idle"] {
  if (isBusy) return undefined;
  return before?.executed === executed ? before : { executed, since: now };
}

async function readProgress(place: Place, own: Mysql): Promise<Progress> {
  const channels = await readChannels(own);
  const recovery = channels.find(({ name }) => name === "group_replication_recovery");
  const { executed, all } = await readKnowledge(own, place);
  return { executed: `${executed}`, isBusy: recovery?.receiver !== "OFF" || !executed.contains(all) };
}
