/**
 * `restart`: restarts this unit's PostgreSQL when it is its turn.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { rollingLock } from "../interfaces/rolling_op/peers.ts";
import { SIDE, worldOf } from "./postgresql_world.ts";

/** The action. */
export const postgresqlRestart = defineAction({
  name: "restart",
  side: SIDE,
  needs: ["read"],
  async run(ctx) {
    await worldOf(ctx);
    const lock = await rollingLock(ctx);
    if (!lock) throw new ActionFailed("this charm has no endpoint of the interface rolling_op: restart by the unit");
    const asked = await lock.acquire();
    const output = asked ? "asked: the leader grants restarts one after the other" : "asked before: wait for the turn";
    return { requested: asked, output: JSON.stringify({ requested: asked, message: output }) };
  },
});
