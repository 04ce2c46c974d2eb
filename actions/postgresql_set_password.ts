/**
 * `set-password`: gives one of the cluster's own users another password.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { areAllMembersReady } from "../interfaces/database_peers/nodes/are_all_members_ready.ts";
import { changeRolePassword } from "../interfaces/database_peers/password_change.ts";
import { changePassword, newPassword, type User } from "../interfaces/database_peers/passwords.ts";
import { asked, ASKING, leaderOf, SIDE, viewOf, worldOf } from "./postgresql_world.ts";

const CHANGEABLE: readonly User[] = ["operator", "replication", "rewind", "patroni"];
const PASSWORD = /^[A-Za-z0-9_.~+-]{8,100}$/;

/** The action. */
export const postgresqlSetPassword = defineAction({
  name: "set-password",
  side: SIDE,
  needs: [...ASKING, "env", "write"],
  async run(ctx) {
    if (!await ctx.isLeader()) throw new ActionFailed("only the leader sets passwords: run it on the leader's unit");
    const name = ctx.params.string("username") ?? "operator";
    const user = CHANGEABLE.find((each) => each === name);
    if (user === undefined) throw new ActionFailed(`the username is one of ${CHANGEABLE.join(", ")}`);
    const password = ctx.params.string("password") ?? newPassword();
    ctx.mask(password);
    if (!PASSWORD.test(password)) {
      throw new ActionFailed("a password has 8 to 100 letters, digits and _.~+-: give another, or none");
    }
    const world = await worldOf(ctx);
    const unready = await areAllMembersReady(world, true);
    if (unready.length > 0) throw new ActionFailed(`not all members are ready: ${unready.join(", ")}; try again later`);
    // Patroni's own user is no role of PostgreSQL.
    if (user !== "patroni") {
      const primary = leaderOf(await viewOf(world));
      await asked(() => changeRolePassword(world, primary, { user, password }));
    }
    await changePassword(ctx, world.relation, user, password);
    return { username: user, output: JSON.stringify({ username: user, changed: true }) };
  },
});
