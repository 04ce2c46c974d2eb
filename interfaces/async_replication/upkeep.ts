/**
 * What the sides of a charm do in every hook, besides what events ask for.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { InterfaceDefinition } from "../../hooks/definition.ts";
import { done, type Outcome } from "../../hooks/outcome.ts";
import { ENDS } from "../needs.ts";
import { noticeDissolution } from "./broken.ts";
import type { PortSource } from "./charm_side.ts";
import { PEER_APP, RELEASED } from "./keys.ts";
import { isReplicaInitialized } from "./relation_state.ts";
import { inHook, relationsOf, type Replication } from "./replication.ts";

/**
 * A side with what the charm does there in every hook: it keeps the statuses true.
 *
 * @param source the ports, as the side has them
 */
export function withUpkeep(side: InterfaceDefinition, source: PortSource): InterfaceDefinition {
  return { ...side, when: [{ name: "upkeep", notIn: ENDS, run: (ctx) => upkeep(source, ctx) }] };
}

async function upkeep(source: PortSource, ctx: Context): Promise<Outcome> {
  if (ctx.event.name === "update-status") return await inHook(source, ctx, lookAnew);
  return ctx.endpoint?.role === "requires" && !await ctx.isLeader() ? await inHook(source, ctx, keepUp) : done;
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
