/**
 * Restarting PostgreSQL when it is this unit's turn.
 *
 * @module
 */
import { deferred, done, type Outcome } from "../../hooks/outcome.ts";
import { ClientError } from "../clients/errors.ts";
import { grantLock, rollingLock } from "../rolling_op/peers.ts";
import { keep, readKept } from "./kept.ts";
import { areAllMembersReady } from "./nodes/are_all_members_ready.ts";
import { setActive } from "./nodes/set_active.ts";
import type { RealWorld } from "./open_world.ts";
import { serverRun } from "./postmaster.ts";
import { listed, TEXTS } from "./texts.ts";

/** Milliseconds for a restart in a hook. */
const RESTART_MS = 6000;
/** At the end of a hook, too: it is waited for shortly, and the next hook sees whether it has happened. */
const LEAST_MS = 1000;

/** Restarts PostgreSQL when the lock is held, and gives it back. Without a wish nothing is asked of anybody. */
export async function restartInTurn(world: RealWorld): Promise<Outcome> {
  const { ctx, juju, patroni } = world;
  const lock = await rollingLock(ctx);
  if (!lock || !await lock.isWanted()) return done;
  await grantLock(ctx, lock.relation);
  const { address } = await juju.self();
  if (!await lock.isHeld() || address === undefined) return done;
  const unready = await areAllMembersReady(world, true);
  if (unready.length > 0) {
    const text = TEXTS.lockWaits({ whom: listed(unready), since: world.since });
    juju.setStatus("waiting", text);
    return deferred(text);
  }
  const failure = await restart(world, address);
  if (failure !== undefined) {
    juju.setStatus("maintenance", TEXTS.restarting);
    return deferred(failure);
  }
  ctx.log.info("PostgreSQL was restarted");
  patroni.forget();
  await juju.markRunning(true);
  lock.release();
  await grantLock(ctx, lock.relation);
  await setActive(world);
  return done;
}

/** Restarts the server, unless it has restarted since an earlier hook asked for it. @returns why it has not */
async function restart({ budget, ctx, patroni, place }: RealWorld, address: string): Promise<string | undefined> {
  const run = await serverRun(place.data);
  const { restarting } = readKept(ctx.stored);
  if (restarting === "" || restarting === run) {
    const timeoutMs = Math.max(budget.leftMs(RESTART_MS), LEAST_MS);
    using client = patroni.open(address);
    try {
      await client.restart({}, { timeoutMs });
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      keep(ctx.stored, { restarting: run });
      return `${TEXTS.restarting}: ${error.message}`;
    }
  }
  if (restarting !== "") keep(ctx.stored, { restarting: "" });
  return undefined;
}
