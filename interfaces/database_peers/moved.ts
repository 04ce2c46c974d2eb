/**
 * A unit whose address has changed.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { serviceManager } from "../clients/service/service.ts";
import { keep, readKept } from "./kept.ts";
import { type Place, serviceOf } from "./place.ts";
import { endServer } from "./postmaster.ts";

/**
 * Ends servers that still listen on an earlier address: a reload does not move them, and as long as they are listed under
 * it the cluster is not ready. They start again when the leader has listed the new address.
 */
export async function stopIfMoved(ctx: Context, place: Place, address: string | undefined): Promise<void> {
  const before = readKept(ctx.stored).address;
  if (before === "" || address === undefined || before === address) return;
  await (await serviceManager()).stop(serviceOf(place, ctx.unit));
  await endServer(place.data);
  keep(ctx.stored, { address: "" });
}
