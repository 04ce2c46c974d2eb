/**
 * `reinitialize`: throws this unit's data away and copies it anew from the primary.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { asked, ASKING, leaderOf, SIDE, viewOf, worldOf } from "./postgresql_world.ts";

/** The action. */
export const postgresqlReinitialize = defineAction({
  name: "reinitialize",
  side: SIDE,
  needs: ASKING,
  async run(ctx) {
    const world = await worldOf(ctx);
    const { address, member } = await world.juju.self();
    if (leaderOf(await viewOf(world)).name === member || address === undefined) {
      throw new ActionFailed("this unit is the primary: its data is not thrown away; run switchover first");
    }
    using patroni = world.patroni.open(address);
    await asked(() => patroni.reinitialize({ force: ctx.params.boolean("force") ?? false }));
    return { started: true, output: JSON.stringify({ started: true, unit: ctx.unit }) };
  },
});
