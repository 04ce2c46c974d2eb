/**
 * `get-cluster-status`: every member as Patroni sees it.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { isReady, leads } from "../interfaces/clients/patroni/values.ts";
import { unitOf } from "../interfaces/database_peers/names.ts";
import { ASKING, describeMember, SIDE, viewOf, worldOf } from "./postgresql_world.ts";

/** The action. */
export const postgresqlGetClusterStatus = defineAction({
  name: "get-cluster-status",
  side: SIDE,
  needs: ASKING,
  async run(ctx) {
    const view = await viewOf(await worldOf(ctx));
    const primary = view.members.find(({ role }) => leads(role));
    const ready = view.members.filter(({ state }) => isReady(state)).length;
    return {
      primary: primary ? unitOf(primary.name) : "none",
      members: view.members.length,
      ready,
      paused: view.paused,
      output: JSON.stringify({ members: view.members.map(describeMember), paused: view.paused }),
    };
  },
});
