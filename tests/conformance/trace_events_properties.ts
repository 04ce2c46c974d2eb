/**
 * The computed properties of a unit before and after an event.
 *
 * @module
 */
import { Context } from "../../hooks/context.ts";
import type { Event, HookEvent } from "../../hooks/event.ts";
import type { Session } from "../../hooks/session.ts";
import type { ClusterSetServer } from "../../interfaces/async_replication/cluster_server.ts";
import { PeerData } from "../../interfaces/async_replication/peer_data.ts";
import {
  isPrimarySideIdle,
  isReplicaInitialized,
  isReplicaSideIdle,
  isReturning,
  primaryState,
  replicaState,
} from "../../interfaces/async_replication/relation_state.ts";
import { relationsOf, roleOf } from "../../interfaces/async_replication/replication.ts";
import type { Json } from "./trace_format.ts";

/**
 * All properties under the traces' names; `{ error: true }` where reading one raises.
 *
 * @param event undefined: an action
 */
export async function propertiesOf(
  session: Session,
  event: HookEvent | undefined,
  server: ClusterSetServer,
): Promise<Json> {
  const ctx = new Context<Event>(session, event ?? { kind: "action", name: "look", actionId: "1" }, "");
  const [peers] = await ctx.relations("database-peers");
  const at = { ctx, server, peer: new PeerData(ctx, peers) };
  const [replica] = await relationsOf(ctx, "requires");
  const found: Record<string, unknown> = {};
  const read = async (name: string, value: () => Promise<unknown>) => {
    try {
      found[name] = await value();
    } catch {
      found[name] = { error: true };
    }
  };
  if (await ctx.isLeader()) {
    await read("primary_states", async () => {
      const relations = await relationsOf(ctx, "provides");
      const states = relations.map(async (each) => [each.id, (await primaryState(at, each)).state] as const);
      return Object.fromEntries(await Promise.all(states));
    });
    await read("replica_state", async () => replica ? await replicaState(at, replica) : null);
  }
  await read("primary_idle", () => isPrimarySideIdle(at));
  await read("replica_idle", () => isReplicaSideIdle(at));
  if (replica) {
    await read("returning_cluster", () => isReturning(at, replica));
    await read("replica_initialized", () => isReplicaInitialized(replica));
  }
  await read("role", async () => {
    const { cluster, instance, side } = await roleOf(at);
    return [cluster, instance, side];
  });
  return found;
}
