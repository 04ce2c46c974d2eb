/**
 * The end of a relation, on both sides and on every unit.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { RelationEvent } from "../../hooks/event.ts";
import { deferred, done, type Outcome } from "../../hooks/outcome.ts";
import type { Relation } from "../../hooks/relation.ts";
import { PEER_APP, PEER_UNIT, readAnswer } from "./keys.ts";
import { relationsOf, remoteBag, type Replication, roleOf, unitLabel, warner } from "./replication.ts";
import { LOG, TEXT } from "./texts.ts";

/** How often a unit looks whether its cluster has been dissolved, at most. */
export const CHECK_INTERVAL_MS = 10_000;
/** How long it waits for that. */
export const DISSOLUTION_MS = 300_000;
const NOT_DISSOLVED = "the cluster is not dissolved yet";

/**
 * A replica waits until the primary cluster has dissolved it; the primary removes the replica.
 *
 * A cluster without a role was a replica that has been dissolved before this hook ran. Waiting is a deferral: when it
 * comes back, the role was decided, and only the waiting goes on.
 */
export async function broken(at: Replication<Context<RelationEvent>>, relation: Relation): Promise<Outcome> {
  const { ctx } = at;
  if (isWaiting(ctx)) return await awaitDissolution(at);
  const kept = ctx.storedAs(`${relation.endpoint.name}:${relation.id}`);
  // A later attempt no longer finds the relation.
  const name = ctx.deferral ? kept.get(undefined, textOrNothing) : await sentName(at, relation);
  kept.set(name);
  const { cluster } = await roleOf(at);
  if (cluster === "primary") await detach(at, name);
  kept.set(undefined);
  return cluster === "primary" || await at.peer.removingUnit() ? done : await awaitDissolution(at);
}

function isWaiting({ deferral }: Context): boolean {
  return deferral?.reason === NOT_DISSOLVED;
}

async function sentName({ ctx }: Replication, relation: Relation): Promise<string | undefined> {
  return readAnswer(await remoteBag(relation), warner(ctx, relation)).clusterName;
}

function textOrNothing(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

async function awaitDissolution({ ctx, server, peer }: Replication): Promise<Outcome> {
  if (!isWaiting(ctx)) ctx.status.set("waiting", TEXT.awaitingDissolution);
  if (await server.isInstanceInCluster(unitLabel(ctx))) {
    if (!ctx.deferral?.expired) {
      return deferred(NOT_DISSOLVED, {
        retryAfterMs: CHECK_INTERVAL_MS,
        deadlineMs: DISSOLUTION_MS,
      });
    }
    ctx.status.set("blocked", TEXT.notDissolved);
    ctx.log.warning(LOG.notDissolved);
    return done;
  }
  ctx.status.set("blocked", TEXT.standalone);
  peer.setUnit({ [PEER_UNIT.memberState]: "waiting", [PEER_UNIT.initialized]: "" });
  if (await ctx.isLeader()) {
    ctx.status.setApplication("blocked", TEXT.recreateOrRejoin);
    ctx.log.info(LOG.dissolved);
    peer.setApp({ [PEER_APP.unitsAdded]: "", [PEER_APP.removed]: "true" });
  }
  return done;
}

async function detach(at: Replication, name: string | undefined): Promise<void> {
  const { ctx, charm, peer } = at;
  if (await ctx.isLeader()) {
    await removeReplica(at, name);
  } else if ((await peer.unit())[PEER_UNIT.memberState] === "waiting") {
    // A replica that was refused because of its data: lets the unit's status be reported again.
    peer.setUnit({ [PEER_UNIT.memberState]: "unknown" });
  }
  await charm.updateStatus();
}

async function removeReplica(at: Replication, name: string | undefined): Promise<void> {
  const { ctx, server, charm } = at;
  if (name === undefined) return ctx.log.warning("No cluster name found, skipping removal");
  if (await isOthers(at, name)) return ctx.log.warning(`Cluster ${name} is not that relation's: it is not removed`);
  if (!await server.isClusterInClusterSet(name)) {
    return ctx.log.warning(`Replica cluster ${name} not found in cluster set, skipping removal`);
  }
  ctx.status.set("maintenance", TEXT.removing);
  ctx.log.info(`Removing replica cluster ${name}`);
  const status = await server.getReplicaClusterStatus(name);
  await server.removeReplicaCluster(name, { force: status === "invalidated" || status === "unknown" });
  ctx.log.info(`Replica cluster ${name} removed`);
  ctx.status.set("active", await charm.activeStatusMessage());
}

/** The name is this cluster's own, or the one of a relation that goes on: the other side may send any. */
async function isOthers({ ctx, peer }: Replication, name: string): Promise<boolean> {
  if (name === await peer.clusterName()) return true;
  const bags = await Promise.all((await relationsOf(ctx, "provides")).map(remoteBag));
  return bags.some((bag) => readAnswer(bag).clusterName === name);
}
