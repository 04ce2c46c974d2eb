/**
 * How actions of charms that run MySQL bring a unit's server into the cluster.
 *
 * @module
 */
import type { ActionContext } from "../hooks/action_context.ts";
import type { ActionResults } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { ClientError } from "../interfaces/clients/errors.ts";
import { bringIn, type Method } from "../interfaces/mysql_innodb_cluster/server/moves.ts";
import { type UnitAddress, unitsOf } from "../interfaces/mysql_innodb_cluster/server/own.ts";
import { tellMembers } from "../interfaces/mysql_innodb_cluster/server/tell.ts";
import { TEXT } from "../interfaces/mysql_innodb_cluster/server/texts.ts";
import { openAt, type Result, type Ward } from "../interfaces/mysql_innodb_cluster/server/ward.ts";
import { healthyView, viewWith } from "./mysql_own.ts";
import { statusResults } from "./mysql_status.ts";

/** Milliseconds that an action waits for a server: a copy of the data may take long. */
const PATIENCE_MS = 1_800_000;
const POLL_MS = 1000;
/** Milliseconds for each statement. */
const WORK_MS = 20_000;

/**
 * Brings a server in and tells everybody; units that were taken out of the cluster belong to it again.
 *
 * @throws {ActionFailed} when the server cannot be a member, or has not become one in time
 */
export async function bringUnitIn(
  ctx: ActionContext,
  ward: Ward,
  target: UnitAddress,
  method: Method,
): Promise<ActionResults> {
  const end = Date.now() + PATIENCE_MS;
  let way = method;
  let isUnderWay = false;
  for (let next = await attempt(ward, target, way); next !== "done"; next = await attempt(ward, target, way)) {
    // After a copy of the data the server restarts.
    if (next === "silent" && !isUnderWay) throw new ActionFailed(TEXT.unreachable([target.unit]));
    if (next !== "silent") {
      if (next.level === "blocked") throw new ActionFailed(next.text);
      await ctx.progress(next.text);
      isUnderWay = true;
      way = "auto";
    }
    if (Date.now() > end) throw new ActionFailed(TEXT.tooLong(target.unit));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const view = await viewWith(() => healthyView(ward), [target.address]);
  await tellMembers(ward, view, { removed: ward.record.removed.filter((unit) => unit !== target.unit) });
  return statusResults(ward.record, view, unitsOf(ward));
}

async function attempt(ward: Ward, { address }: UnitAddress, method: Method): Promise<Result | "done" | "silent"> {
  const view = await healthyView(ward);
  const db = await openAt(ward, address, WORK_MS).catch((error) => {
    if (error instanceof ClientError) return undefined;
    throw error;
  });
  if (!db) return "silent";
  await using joiner = db;
  return await bringIn(ward, joiner, address, view, { patienceMs: PATIENCE_MS, method }) ?? "done";
}
