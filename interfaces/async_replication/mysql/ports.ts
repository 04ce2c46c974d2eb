/**
 * Replication between clusters in the charm that runs MySQL: both ports, and what else the two sides do there.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import type { InterfaceDefinition } from "../../../hooks/definition.ts";
import { done, type Outcome } from "../../../hooks/outcome.ts";
import { noticeDissolution } from "../broken.ts";
import type { PortSource } from "../charm_side.ts";
import { PEER_APP, RELEASED } from "../keys.ts";
import { isReplicaInitialized } from "../relation_state.ts";
import { inHook, relationsOf, type Replication } from "../replication.ts";
import { mysqlCharm } from "./charm.ts";
import { mysqlServer } from "./server.ts";
import { Site } from "./site.ts";

/** The ports to the unit's own MySQL server and its charm. */
export const mysqlPorts: PortSource = {
  needs: ["net", "read", "run", "sys", "write"],
  open(ctx) {
    const site = new Site(ctx);
    const server = mysqlServer(site);
    return { server, charm: mysqlCharm(site, server), [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() };
  },
};

/** A side with what the charm does there in every hook: it keeps the statuses true. */
export function withUpkeep(side: InterfaceDefinition): InterfaceDefinition {
  return { ...side, when: [{ name: "upkeep", run: upkeep }] };
}

async function upkeep(ctx: Context): Promise<Outcome> {
  if (ctx.event.name === "update-status") return await inHook(mysqlPorts, ctx, lookAnew);
  return ctx.endpoint?.role === "requires" && !await ctx.isLeader() ? await inHook(mysqlPorts, ctx, keepUp) : done;
}

async function lookAnew(at: Replication): Promise<Outcome> {
  if (at.ctx.endpoint?.role === "requires") await noticeDissolution(at);
  await at.charm.updateStatus();
  return done;
}

/** A unit says that it knows of the end of its cluster; one that waited to be taken into the replica cluster is there. */
async function keepUp({ ctx, peer }: Replication): Promise<Outcome> {
  const [relation] = await relationsOf(ctx, "requires");
  if (!relation || !await peer.unitInitialized()) return done;
  if (await isReplicaInitialized(relation)) ctx.status.clear();
  else if (await peer.clusterSetName() && !(await peer.app())[PEER_APP.unitsAdded]) peer.setUnit(RELEASED);
  return done;
}
