/**
 * `get-primary`: which unit takes writes.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { unitOf } from "../interfaces/database_peers/names.ts";
import { ASKING, leaderOf, SIDE, viewOf, worldOf } from "./postgresql_world.ts";

/** The action. */
export const postgresqlGetPrimary = defineAction({
  name: "get-primary",
  side: SIDE,
  needs: ASKING,
  async run(ctx) {
    const { name, host = "", timeline = 0 } = leaderOf(await viewOf(await worldOf(ctx)));
    return { primary: unitOf(name), host, output: JSON.stringify({ primary: unitOf(name), host, timeline }) };
  },
});
