/**
 * Restarting PostgreSQL when it is this unit's turn.
 *
 * @module
 */
import { deferred, done, type Outcome } from "../../hooks/outcome.ts";
import { ClientError } from "../clients/errors.ts";
import { grantLock, rollingLock } from "../rolling_op/peers.ts";
import { areAllMembersReady } from "./nodes/are_all_members_ready.ts";
import { setActive } from "./nodes/set_active.ts";
import type { RealWorld } from "./open_world.ts";
import { listed, TEXTS } from "./texts.ts";

/** Milliseconds for a restart in a hook. */
const RESTART_MS = 6000;

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
  using client = patroni.open(address);
  try {
    await client.restart({}, { timeoutMs: RESTART_MS });
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    juju.setStatus("maintenance", TEXTS.restarting);
    return deferred(`${TEXTS.restarting}: ${error.message}`);
  }
  ctx.log.info("PostgreSQL was restarted");
  patroni.forget();
  await juju.markRunning(true);
  lock.release();
  await grantLock(ctx, lock.relation);
  await setActive(world);
  return done;
}
