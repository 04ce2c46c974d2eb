/**
 * Lines for `--explain`: the state that a relation's databags decide, and what the server is asked where they do not.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { primaryFacts, replicaFacts } from "./relation_state.ts";
import { relationsOf } from "./replication.ts";
import { primaryPlace, replicaPlace } from "./states.ts";

/** The primary side. It looks at databags only: a dry run reaches no server. */
export async function explainPrimary(ctx: Context): Promise<string[]> {
  if (!await ctx.isLeader()) return ["this unit does not lead: it only acts when the relation ends"];
  return await Promise.all((await relationsOf(ctx, "provides")).map(async (relation) => {
    const place = primaryPlace(await primaryFacts(relation));
    const text = place ?? "initializing, recovery or ready: the status of the replica cluster decides";
    return `relation ${relation.id} is ${text}`;
  }));
}

/** The replica side. */
export async function explainReplica(ctx: Context): Promise<string[]> {
  if (!await ctx.isLeader()) return ["this unit does not lead: it waits to be taken into the replica cluster"];
  return await Promise.all((await relationsOf(ctx, "requires")).map(async (relation) => {
    const place = replicaPlace(await replicaFacts(relation));
    const text = place ?? "recovery or ready: whether every unit is an online member decides";
    return `relation ${relation.id} is ${text}`;
  }));
}
