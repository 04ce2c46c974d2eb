/**
 * The side of the replica cluster: takes the primary's credentials, gives itself up, and becomes its replica.
 *
 * The leader does that; the other units only wait to be taken into the new cluster.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface, type InterfaceDefinition } from "../../hooks/definition.ts";
import { blocked, deferred, done, type Outcome } from "../../hooks/outcome.ts";
import type { Relation } from "../../hooks/relation.ts";
import { broken } from "./broken.ts";
import type { PortSource } from "./charm_side.ts";
import { explainReplica } from "./explain.ts";
import { ALIASES, INTERFACE, PEER_APP, PEER_UNIT, readOffer, RELEASED } from "./keys.ts";
import { isReplicaInitialized, isReturning, replicaFacts, replicaState } from "./relation_state.ts";
import { inHook, relationsOf, remoteBag, type Replication, unitLabel, unitsAdded, warner } from "./replication.ts";
import { resumeRemovals } from "./removal.ts";
import { refreshCredentials, refuseUserData, surrender } from "./surrender.ts";
import { TEXT } from "./texts.ts";

async function created(at: Replication, relation: Relation): Promise<Outcome> {
  const { ctx, peer } = at;
  if (!await ctx.isLeader()) return await prepareMember(at);
  if ((await relationsOf(ctx, "requires")).length > 1) return blocked(TEXT.twoPrimaries);
  // This event may have been put off for longer than it took: what the cluster has now is the primary's.
  if ((await replicaFacts(relation)).answered) return done;
  const returning = await isReturning(at, relation);
  if (!returning && !await peer.unitInitialized()) return deferred("the unit is not initialised yet");
  if (!returning && await refuseUserData(at, relation)) return done;
  ctx.status.setApplication("maintenance", TEXT.settingUp);
  ctx.status.set("waiting", TEXT.awaitingSync);
  return done;
}

async function changed(at: Replication, relation: Relation): Promise<Outcome> {
  const { ctx } = at;
  if (!await ctx.isLeader()) return await releaseMember(at, relation);
  if ((await relationsOf(ctx, "requires")).length > 1) return blocked(TEXT.twoPrimaries);
  readOffer(await remoteBag(relation), warner(ctx, relation));
  const state = await replicaState(at, relation);
  ctx.log.debug(`${relation.endpoint.name} ${relation.id}: ${state}`);
  if (state === "syncing") return await surrender(at, relation, await isReturning(at, relation));
  if (state === "ready") await settle(at);
  const outcome = state === "recovery" ? await recover(at) : done;
  const refreshed = await refreshCredentials(at, relation);
  return outcome.kind === "done" ? refreshed : outcome;
}

async function settle({ ctx, server, charm, peer }: Replication): Promise<void> {
  ctx.log.info("Replica cluster is ready");
  const name = await server.getClusterSetName();
  if (name) peer.setApp({ [PEER_APP.clusterSetName]: name });
  // A cluster of one unit never recovers, which is when the others' number is set.
  if (await ctx.plannedUnits() === 1) peer.setApp({ [PEER_APP.unitsAdded]: "1" });
  ctx.status.clear();
  await charm.updateStatus();
}

/** The first node is there: the other units may join it. */
async function recover(at: Replication): Promise<Outcome> {
  const { ctx, server, peer } = at;
  ctx.status.setApplication("maintenance", TEXT.recoveringReplica);
  ctx.status.set("waiting", TEXT.recoveringMembers);
  peer.setApp({ [PEER_APP.unitsAdded]: await unitsAdded(at) });
  if (await server.isInstanceInCluster(unitLabel(ctx))) {
    peer.setUnit({ [PEER_UNIT.memberState]: "online", [PEER_UNIT.memberRole]: "primary" });
  } else {
    // Another unit led when the first node was made: this one has to join like all others.
    peer.setUnit(RELEASED);
  }
  return deferred("other units have to join the cluster");
}

/** Keeps a unit that does not lead from repairing itself while its cluster is given up. */
async function prepareMember({ ctx, peer }: Replication): Promise<Outcome> {
  if ((await peer.unit())[PEER_UNIT.memberState] !== "waiting") {
    peer.setUnit({ [PEER_UNIT.memberState]: "waiting" });
    ctx.status.set("waiting", TEXT.awaitingConfiguration);
  }
  return done;
}

/** Lets a unit that does not lead join the new cluster, with the next hook of its peers or update-status. */
async function releaseMember({ ctx, server, peer }: Replication, relation: Relation): Promise<Outcome> {
  if (!await peer.isPassing() && !await isReplicaInitialized(relation)) return done;
  if (await server.isInstanceInCluster(unitLabel(ctx))) return done;
  ctx.log.debug("Reset secondary unit to allow cluster rejoin");
  peer.setUnit(RELEASED);
  ctx.status.set("waiting", TEXT.awaitingJoin);
  return done;
}

/** Some versions of Juju lose secret events across models, so the leader looks at every opportunity. */
async function refresh(at: Replication): Promise<Outcome> {
  if (!await at.ctx.isLeader()) return done;
  const [relation] = await relationsOf(at.ctx, "requires");
  return relation ? await refreshCredentials(at, relation) : done;
}

/** A new leader goes on where the one before it may have stopped. */
async function takeOver(at: Replication): Promise<Outcome> {
  if (!await at.ctx.isLeader()) return done;
  await resumeRemovals(at);
  const [relation] = await relationsOf(at.ctx, "requires");
  if (!relation) return done;
  const { offered, answered, userData } = await replicaFacts(relation);
  if (userData) return done;
  return await (offered || answered ? changed : created)(at, relation);
}

/**
 * The definition of the replica side.
 *
 * @param source the ports to the server and to the charm
 */
export function asyncReplicationReplica(source: PortSource): InterfaceDefinition {
  const onRelation =
    <C extends Context>(handler: (at: Replication<C>, relation: Relation) => Promise<Outcome>) =>
    (ctx: C, relation: Relation) => inHook(source, ctx, (at) => handler(at, relation));
  const onHook = (handler: (at: Replication) => Promise<Outcome>) => (ctx: Context) => inHook(source, ctx, handler);
  return defineInterface({
    name: INTERFACE,
    aliases: ALIASES,
    role: "requires",
    needs: source.needs,
    on: { created: onRelation(created), changed: onRelation(changed), broken: onRelation(broken) },
    lifecycle: { updateStatus: onHook(refresh), secretChanged: onHook(refresh), leaderElected: onHook(takeOver) },
    explain: explainReplica,
  });
}
