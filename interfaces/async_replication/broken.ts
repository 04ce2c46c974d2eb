/**
 * The end of a relation, on both sides and on every unit.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { deferred, done, type Outcome } from "../../hooks/outcome.ts";
import type { Relation } from "../../hooks/relation.ts";
import { ClusterSetBusyError } from "./cluster_server.ts";
import { PEER_APP, PEER_UNIT, RELEASED } from "./keys.ts";
import { adoptNote, forget, note, removeNoted } from "./removal.ts";
import { isReplicaInitialized, replicaFacts } from "./relation_state.ts";
import { relationsOf, type Replication, roleOf, unitLabel, wasDissolved } from "./replication.ts";
import { goOn } from "./surrender.ts";
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
 *
 * @throws {ClusterSetBusyError} while the unit's cluster goes on without its server
 */
export async function broken(at: Replication, relation: Relation): Promise<Outcome> {
  const { ctx, server, peer } = at;
  if (isWaiting(ctx)) return await awaitDissolution(at);
  // A later attempt no longer finds the relation.
  await (ctx.deferral ? adoptNote : note)(at, relation);
  const { cluster } = await roleOf(at);
  // A cluster that was made anew to return to its set, and has not got there, is no primary.
  const isPassing = relation.endpoint.role === "requires" && await peer.isPassing() && await server.wasRemoved();
  if (cluster === "primary" && !isPassing) return await detach(at);
  if (await peer.removingUnit()) return done;
  if (cluster === "unset" && await isOutside(at)) throw new ClusterSetBusyError(TEXT.joinsFirst);
  // Only a primary removes anybody.
  forget(ctx);
  return await awaitDissolution(at);
}

/** Whether the cluster goes on while this unit's server is not in it: not yet, or it was the first to leave. */
async function isOutside(at: Replication): Promise<boolean> {
  const { ctx, server } = at;
  if (await isKnownEnd(at) || await at.peer.clusterSetName() && await server.haveOthersLeft()) return false;
  const goesOn = await ctx.isLeader() && await goOn(at) || ctx.deferral?.reason === TEXT.joinsFirst;
  return goesOn ? !await wasDissolved(at) : !await server.hasLeft();
}

async function isKnownEnd({ peer }: Replication): Promise<boolean> {
  return (await peer.app())[PEER_APP.removed] === "true";
}

/** Looks whether the cluster was dissolved, or removed from its set, when no unit waited for that any more. */
export async function noticeDissolution(at: Replication): Promise<void> {
  for (const role of ["requires", "provides"] as const) if ((await relationsOf(at.ctx, role)).length > 0) return;
  const isKnown = await isKnownEnd(at) && !await at.peer.unitInitialized();
  if (isKnown || await isStillIn(at) || !await wasDissolved(at)) return;
  await standAlone(at);
}

function isWaiting({ deferral }: Context): boolean {
  return deferral?.reason === NOT_DISSOLVED;
}

/** Whether the cluster has given itself up, or is a replica, for a relation that was made since. */
async function isGivenUpAnew({ ctx }: Replication): Promise<boolean> {
  for (const relation of await relationsOf(ctx, "requires")) {
    if (await isReplicaInitialized(relation)) return true;
    if (await ctx.isLeader() && (await replicaFacts(relation)).answered) return true;
  }
  return false;
}

async function awaitDissolution(at: Replication): Promise<Outcome> {
  const { ctx } = at;
  if (await isGivenUpAnew(at)) return done;
  if (!isWaiting(ctx)) ctx.status.set("waiting", TEXT.awaitingDissolution);
  if (await isStillIn(at) || !await hasEnded(at)) {
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
  await standAlone(at);
  return done;
}

/** Whether the unit is in a cluster. One that the primary cluster does not know any more is dissolved by the leader here. */
async function isStillIn({ ctx, server }: Replication): Promise<boolean> {
  if (!await server.isInstanceInCluster(unitLabel(ctx))) return false;
  if (!await ctx.isLeader() || !await server.wasRemoved()) return true;
  ctx.log.info(LOG.leftAlone);
  await server.dissolveCluster();
  return await server.isInstanceInCluster(unitLabel(ctx));
}

/** Whether the cluster of a server that is in none has ended: the server may only be down while others run. */
async function hasEnded(at: Replication): Promise<boolean> {
  return await isKnownEnd(at) || await at.server.hasLeft() || await at.server.isNobodyIn();
}

async function standAlone({ ctx, peer }: Replication): Promise<void> {
  ctx.status.set("blocked", TEXT.standalone);
  peer.setUnit(RELEASED);
  if (!await ctx.isLeader()) return;
  ctx.status.setApplication("blocked", TEXT.recreateOrRejoin);
  ctx.log.info(LOG.dissolved);
  peer.setApp({ [PEER_APP.unitsAdded]: "", [PEER_APP.removed]: "true", [PEER_APP.rejoinSecondaries]: "" });
}

async function detach(at: Replication): Promise<Outcome> {
  const { ctx, charm, peer } = at;
  if (await ctx.isLeader()) {
    await goOn(at);
    await removeNoted(at);
  } else if ((await peer.unit())[PEER_UNIT.memberState] === "waiting") {
    // A replica that was refused because of its data: lets the unit's status be reported again.
    peer.setUnit({ [PEER_UNIT.memberState]: "unknown" });
  }
  await charm.updateStatus();
  return done;
}
