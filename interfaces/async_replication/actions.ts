/**
 * The actions on a cluster set: who may, when, and what is refused with which words.
 *
 * @module
 */
import type { ActionContext } from "../../hooks/action_context.ts";
import { type ActionDefinition, type ActionResults, defineAction, type InterfaceSide } from "../../hooks/definition.ts";
import { ActionFailed, ValueError } from "../../hooks/errors.ts";
import { ClientError } from "../clients/errors.ts";
import type { ReplicaStatus } from "../clients/mysql/cluster_set/status.ts";
import type { PortSource } from "./charm_side.ts";
import { ClusterSetBusyError, ClusterSetError } from "./cluster_server.ts";
import { INTERFACE, isName, PEER_APP } from "./keys.ts";
import { offer } from "./primary.ts";
import {
  endpointsOf,
  relationsOf,
  type Replication,
  roleOf,
  unitLabel,
  wasDissolved,
  withPorts,
} from "./replication.ts";
import { NEXT, TEXT } from "./texts.ts";

type At = Replication<ActionContext>;
type Act = (at: At) => Promise<string>;

const SIDE: InterfaceSide = { interface: INTERFACE, role: "provides" };

const ACTIONS = {
  "promote-standby-cluster": promoteStandby,
  "promote-to-primary": promoteToPrimary,
  "fence-writes": fence,
  "unfence-writes": unfence,
  "rejoin-cluster": rejoin,
  "recreate-cluster": recreate,
  "create-replication": createReplication,
} as const satisfies Readonly<Record<string, Act>>;

/** What a cluster may be like that is taken back: left behind, or in the set without following the primary. */
const REJOINABLE: readonly ReplicaStatus[] = ["invalidated", "ok_not_replicating", "ok_misconfigured"];

/** Name of an action. */
export type AsyncReplicationAction = keyof typeof ACTIONS;

/**
 * All actions of charms that have the primary side.
 *
 * @param source the ports to the server and to the charm
 */
export function asyncReplicationActions(source: PortSource): readonly ActionDefinition[] {
  return (Object.keys(ACTIONS) as AsyncReplicationAction[]).map((name) => asyncReplicationAction(source, name));
}

/** One of {@linkcode asyncReplicationActions}. */
export function asyncReplicationAction(source: PortSource, name: AsyncReplicationAction): ActionDefinition {
  return defineAction({
    name,
    side: SIDE,
    needs: source.needs,
    run: async (ctx): Promise<ActionResults> => ({ message: await perform(source, ctx, ACTIONS[name]) }),
  });
}

async function perform(source: PortSource, ctx: ActionContext, act: Act): Promise<string> {
  try {
    return await withPorts(source, ctx, act);
  } catch (error) {
    const isExplained = [ClientError, ClusterSetBusyError, ClusterSetError, ValueError].some((type) =>
      error instanceof type
    );
    throw isExplained && error instanceof Error ? new ActionFailed(error.message) : error;
  }
}

async function promoteStandby(at: At): Promise<string> {
  await requireLeader(at, "promote a standby cluster");
  if (!await at.server.isClusterReplica()) await refuse(at, TEXT.onlyStandby, NEXT.onReplica);
  await requireSetName(at);
  return await promoteCluster(at);
}

/** Today's name: it takes no set name, and promotes a unit within its cluster as well. */
async function promoteToPrimary(at: At): Promise<string> {
  const { ctx: { params }, server, charm } = at;
  const scope = params.string("scope");
  if (scope !== "unit" && scope !== "cluster") throw new ActionFailed(TEXT.badScope);
  if (scope === "unit") {
    await attempt(at, TEXT.unitPromotionFailed, () => server.promoteUnitToPrimary(params.boolean("force") ?? false));
    await charm.updateStatus();
    return TEXT.unitPromoted;
  }
  await requireLeader(at, "promote a standby cluster");
  if (!await server.isClusterReplica()) await refuse(at, TEXT.onlyStandby, NEXT.onReplica);
  return await promoteCluster(at);
}

async function promoteCluster(at: At): Promise<string> {
  const { ctx, server, charm, peer } = at;
  const name = await peer.clusterName();
  if (name === undefined) throw new ActionFailed(TEXT.badClusterName);
  const force = ctx.params.boolean("force") ?? false;
  await attempt(at, TEXT.promotionFailed, () => server.promoteClusterToPrimary(name, force));
  ctx.log.info(TEXT.promoted(name));
  await charm.updateStatus();
  return TEXT.promoted(name);
}

async function fence(at: At): Promise<string> {
  await requirePrimaryCluster(at, "fence writes");
  if (await at.server.isClusterWritesFenced()) await refuse(at, TEXT.alreadyFenced, NEXT.unfence);
  at.ctx.log.info("Fencing writes to the cluster");
  await attempt(at, TEXT.fencingFailed, () => at.server.fenceWrites());
  await at.charm.updateStatus();
  return TEXT.fenced;
}

async function unfence(at: At): Promise<string> {
  await requirePrimaryCluster(at, "unfence writes");
  if (!await at.server.isClusterWritesFenced()) await refuse(at, TEXT.alreadyFenced, NEXT.nothing);
  at.ctx.log.info("Unfencing writes to the cluster");
  await attempt(at, TEXT.unfencingFailed, () => at.server.unfenceWrites());
  await at.charm.updateStatus();
  return TEXT.unfenced;
}

async function rejoin(at: At): Promise<string> {
  const { ctx, server } = at;
  await requireLeader(at, "rejoin a cluster");
  const name = ctx.params.string("cluster-name");
  if (name === undefined || !isName(name)) return await refuse(at, TEXT.badClusterName, NEXT.nameCluster);
  if (!await server.isClusterInClusterSet(name)) await refuse(at, TEXT.notInSet(name), NEXT.nameCluster);
  const status = await server.getReplicaClusterStatus(name);
  if (status === undefined || !REJOINABLE.includes(status)) throw new ActionFailed(TEXT.notRejoinable(status));
  await attempt(at, TEXT.rejoinFailed(name), () => server.rejoinCluster(name));
  ctx.log.info(TEXT.rejoined(name));
  return TEXT.rejoined(name);
}

/** Makes a cluster of its own out of one that left its set. With another set's name it can no longer return there. */
async function recreate(at: At): Promise<string> {
  const { ctx, charm, peer } = at;
  await requireLeader(at, "recreate the cluster");
  const [related] = await relationsOf(ctx, "requires");
  if (related) throw new ActionFailed(TEXT.stillRelated(related.endpoint.name));
  // An action that was killed may have made the cluster already.
  if ((await peer.app())[PEER_APP.removed] !== "true") await requireEnd(at);
  await charm.createCluster();
  peer.setApp({
    [PEER_APP.removed]: "",
    [PEER_APP.rejoinSecondaries]: "",
    [PEER_APP.answeredTo]: "",
    [PEER_APP.clusterSetName]: `cluster-set-${charm.randomHex()}`,
  });
  await charm.updateStatus();
  return TEXT.recreated;
}

/** A cluster that is not known to be dissolved has been, or is a replica that its set no longer has: that one is ended. */
async function requireEnd(at: At): Promise<void> {
  const { ctx, server } = at;
  if (await server.isInstanceInCluster(unitLabel(ctx))) {
    if (!await server.wasRemoved()) throw new ActionFailed(TEXT.stillClustered);
    await server.dissolveCluster();
  } else if (!await wasDissolved(at)) {
    throw new ActionFailed(TEXT.notDissolvedYet);
  }
}

/** Today's name of what relating does by itself: it offers this cluster where that has not been done. */
async function createReplication(at: At): Promise<string> {
  const { ctx, peer } = at;
  await requireLeader(at, "create a replication");
  const relations = await relationsOf(ctx, "provides");
  if (relations.length === 0) throw new ActionFailed(TEXT.noOffer(endpointsOf(ctx, "provides")[0]?.name ?? INTERFACE));
  if (!await peer.unitInitialized()) throw new ActionFailed(TEXT.notReady);
  for (const relation of relations) {
    if (Object.keys(await relation.localApp.get()).length === 0) await offer(at, relation);
  }
  return TEXT.offered;
}

async function requireLeader(at: At, what: string): Promise<void> {
  if (!await at.ctx.isLeader()) await refuse(at, TEXT.leaderOnly(what), NEXT.onLeader(at.ctx.application));
}

async function requireSetName(at: At): Promise<void> {
  const [given, own] = [at.ctx.params.string("cluster-set-name"), await at.peer.clusterSetName()];
  if (!given || given !== own) await refuse(at, TEXT.badSetName, NEXT.nameSet(own));
}

async function requirePrimaryCluster(at: At, what: string): Promise<void> {
  await requireLeader(at, what);
  await requireSetName(at);
  const { cluster } = await roleOf(at);
  if (cluster === "replica") await refuse(at, TEXT.onlyPrimary, NEXT.onPrimary);
  if (cluster === "unset") throw new ActionFailed(TEXT.noSet);
}

/** The message is the one that scripts know; what to do next is shown to who runs the action. */
async function refuse({ ctx }: At, message: string, next: string): Promise<never> {
  await ctx.progress(next);
  throw new ActionFailed(message);
}

/** The reason goes to the log and to who runs the action; the message is the one that scripts know. */
async function attempt({ ctx }: At, failure: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ClusterSetError)) throw error;
    ctx.log.error(`${failure}: ${error.message}`);
    await ctx.progress(error.message);
    throw new ActionFailed(failure);
  }
}
