/**
 * Replication between clusters in the charm that runs MySQL: both ports, and what else the two sides do there.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import type { InterfaceDefinition } from "../../../hooks/definition.ts";
import { done, type Outcome } from "../../../hooks/outcome.ts";
import type { PortSource } from "../charm_side.ts";
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
  return ctx.endpoint?.role === "requires" && !await ctx.isLeader() ? await inHook(mysqlPorts, ctx, takeBack) : done;
}

async function lookAnew({ charm }: Replication): Promise<Outcome> {
  await charm.updateStatus();
  return done;
}

/** A unit that waited to be taken into the replica cluster is there. */
async function takeBack({ ctx, peer }: Replication): Promise<Outcome> {
  const [relation] = await relationsOf(ctx, "requires");
  if (relation && await peer.unitInitialized() && await isReplicaInitialized(relation)) ctx.status.clear();
  return done;
}
