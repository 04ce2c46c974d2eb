/**
 * `switchover`: makes another unit the primary, a named one or any.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { memberOf, unitOf } from "../interfaces/database_peers/names.ts";
import { asked, ASKING, leaderOf, SIDE, viewOf, worldOf } from "./postgresql_world.ts";

/** Milliseconds; a primary with much to write ends slowly. */
const SWITCH_MS = 120_000;

/** The action. */
export const postgresqlSwitchover = defineAction({
  name: "switchover",
  side: SIDE,
  needs: ASKING,
  async run(ctx) {
    const world = await worldOf(ctx);
    const view = await viewOf(world);
    const { name: leader, host } = leaderOf(view);
    const unit = ctx.params.string("unit");
    const candidate = unit === undefined || unit === "" ? undefined : memberOf(unit);
    if (candidate === leader) return { primary: unitOf(leader), changed: false, output: result(leader, false) };
    if (candidate !== undefined && !view.members.some(({ name }) => name === candidate)) {
      const units = view.members.map(({ name }) => unitOf(name)).join(", ");
      throw new ActionFailed(`there is no member of that name; name one of ${units}`);
    }
    await ctx.progress(`${unitOf(leader)} hands over${candidate === undefined ? "" : ` to ${unitOf(candidate)}`}`);
    using patroni = world.patroni.open(host ?? "");
    const request = { leader, ...candidate === undefined ? {} : { candidate } };
    const done = await asked(() => patroni.switchover(request, { timeoutMs: SWITCH_MS }));
    const chosen = done.done === "switched" ? done.leader ?? candidate : undefined;
    const primary = chosen ?? leaderOf(await world.patroni.cluster(true) ?? view).name;
    return { primary: unitOf(primary), changed: true, output: result(primary, true) };
  },
});

function result(primary: string, changed: boolean): string {
  return JSON.stringify({ primary: unitOf(primary), changed });
}
