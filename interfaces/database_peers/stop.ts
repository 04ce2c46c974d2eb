/**
 * Duties of a unit that goes.
 *
 * @module
 */
import { ClientError } from "../clients/errors.ts";
import { serviceManager } from "../clients/service/service.ts";
import type { Context } from "../../hooks/context.ts";
import { ValueError } from "../../hooks/errors.ts";
import { done, type Outcome } from "../../hooks/outcome.ts";
import { readKept } from "./kept.ts";
import { areAllMembersReady } from "./nodes/are_all_members_ready.ts";
import { openWorld, type RealWorld } from "./open_world.ts";
import { readOptions } from "./options.ts";
import { type Place, placeOf, serviceOf } from "./place.ts";
import { endServer } from "./postmaster.ts";

/** Milliseconds for a switchover: a failed one is left to the automatic failover. */
const SWITCH_MS = 6000;

/** storage-detaching: another member leads before this one's data goes away. */
export async function storageDetaching(world: RealWorld): Promise<Outcome> {
  await handOver(world);
  return done;
}

/** stop: another member leads, then Patroni ends in order, which takes its entry out of the store. */
export async function stopUnit(ctx: Context): Promise<Outcome> {
  try {
    const world = await openWorld(ctx);
    if (world) await handOver(world);
  } catch (error) {
    // A damaged databag or option keeps no server running.
    if (!(error instanceof ValueError)) throw error;
    ctx.log.warning(`nothing is handed over: ${error.message}`);
  }
  const place = await placeOfUnit(ctx);
  await (await serviceManager()).stop(serviceOf(place, ctx.unit));
  // A Patroni that is told to end while it starts its server leaves that running.
  await endServer(place.data);
  return done;
}

/** remove: the service and the files with passwords and keys; the data stays. */
export async function removeUnit(ctx: Context): Promise<Outcome> {
  const place = await placeOfUnit(ctx);
  await (await serviceManager()).remove(serviceOf(place, ctx.unit));
  await endServer(place.data);
  for (const path of [place.config, place.passFile, place.tls, place.etcdTls, place.passwordChange]) {
    await Deno.remove(path, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  return done;
}

/** Also when the peer relation is over. */
async function placeOfUnit(ctx: Context): Promise<Place> {
  return placeOf(readKept(ctx.stored).dataDirectory || (await readOptions(ctx)).dataDirectory, ctx.unit);
}

/** When this unit's member leads and all are ready, another one takes over. */
async function handOver(world: RealWorld): Promise<void> {
  const { budget, ctx, juju, patroni } = world;
  const { address, member } = await juju.self();
  const own = address === undefined ? undefined : await patroni.health(address);
  if (address === undefined || own?.role !== "primary") return;
  const view = await patroni.cluster();
  if (!view || view.members.length < 2 || (await areAllMembersReady(world)).length > 0) return;
  using client = patroni.open(address);
  try {
    await client.switchover({ leader: member }, { timeoutMs: budget.leftMs(SWITCH_MS) });
    ctx.log.info("another member leads now");
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(`the other members have to elect a primary: ${error.message}`);
  } finally {
    patroni.forget();
  }
}
