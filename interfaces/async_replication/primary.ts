/**
 * The side of the primary cluster: shares its credentials, and makes the replica cluster.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface, type InterfaceDefinition } from "../../hooks/definition.ts";
import { blocked, deferred, done, type Outcome } from "../../hooks/outcome.ts";
import type { Relation } from "../../hooks/relation.ts";
import { broken } from "./broken.ts";
import type { PortSource } from "./charm_side.ts";
import { ClusterSetError } from "./cluster_server.ts";
import { keepShared, share } from "./credentials.ts";
import { explainPrimary } from "./explain.ts";
import { ALIASES, ANSWER, INITIALIZED, INTERFACE, OFFER, readAnswer } from "./keys.ts";
import { primaryFacts, primaryState } from "./relation_state.ts";
import { resumeRemovals } from "./removal.ts";
import { inHook, relationsOf, remoteBag, type Replication, warner } from "./replication.ts";
import { LOG, recoveringText, TEXT } from "./texts.ts";

/**
 * Offers this cluster to a replica.
 *
 * @throws {ClusterSetError} the server or the peer data does not say what the other side has to know
 */
export async function offer(at: Replication, relation: Relation): Promise<Outcome> {
  const { ctx, server, peer } = at;
  if (!await ctx.isLeader()) return done;
  if (!await peer.unitInitialized()) return deferred("the unit is not initialised yet");
  if (await server.isClusterReplica()) {
    ctx.log.error(LOG.replicaItself(relation.endpoint.name));
    ctx.status.set("blocked", TEXT.unrelate(relation.endpoint.name));
    relation.localApp.set({ [OFFER.isReplica]: "true" });
    return done;
  }
  ctx.status.setApplication("maintenance", TEXT.settingUp);
  const values: Record<string, string | undefined> = {
    [OFFER.clusterName]: await peer.clusterName(),
    [OFFER.version]: await server.getMysqlVersion(),
    [OFFER.clusterSetName]: await peer.clusterSetName(),
  };
  const missing = Object.keys(values).filter((key) => !values[key]);
  if (missing.length > 0) throw new ClusterSetError(`${missing.join(", ")} of this cluster is not known yet`);
  const secretId = await share(at);
  ctx.secrets.grant(secretId, relation);
  relation.localApp.set({ [OFFER.secretId]: secretId, ...values });
  return done;
}

async function changed(at: Replication, relation: Relation): Promise<Outcome> {
  const { ctx } = at;
  if (!await ctx.isLeader()) return done;
  await keepShared(at);
  const { offered, refused } = await primaryFacts(relation);
  if (!offered || refused) return done;
  const problem = await problemOf(at, relation);
  if (problem !== undefined) return blocked(problem);
  const { state, status } = await primaryState(at, relation);
  if (state === "initializing") await add(at, relation);
  if (state === "recovery") ctx.status.set("maintenance", recoveringText(status));
  if (state === "ready") ctx.status.clear();
  // The hook that made the replica cluster may have been killed before it could say so.
  if (status?.startsWith("ok")) relation.localApp.set({ [OFFER.replicaState]: INITIALIZED });
  return done;
}

/** Why an answer cannot be used: the other side may send anything. Undefined: it can, or there is none yet. */
async function problemOf({ ctx, peer }: Replication, relation: Relation): Promise<string | undefined> {
  const bag = await remoteBag(relation);
  if (!bag[ANSWER.endpoint]) return undefined;
  const answer = readAnswer(bag, warner(ctx, relation));
  const missing = (["clusterName", "endpoint", "nodeLabel"] as const).filter((key) => answer[key] === undefined);
  if (missing.length > 0) return TEXT.badAnswer(missing.map((key) => ANSWER[key]));
  if (answer.clusterName === await peer.clusterName()) return TEXT.ownName;
  const elder = (await relationsOf(ctx, "provides")).filter(({ id }) => id < relation.id);
  const names = (await Promise.all(elder.map(remoteBag))).map((each) => readAnswer(each).clusterName);
  return names.includes(answer.clusterName) ? TEXT.takenName(answer.clusterName ?? "") : undefined;
}

async function add({ ctx, server, charm }: Replication, relation: Relation): Promise<void> {
  const { clusterName = "", endpoint = "", nodeLabel = "" } = readAnswer(await remoteBag(relation));
  ctx.log.info("Creating replica cluster primary node");
  ctx.status.set("maintenance", TEXT.adding);
  const { readOnly: [donor] } = await server.getClusterEndpoints({ getIps: false });
  ctx.log.debug(`Adding replica cluster ${clusterName} at ${endpoint}; the donor is ${donor ?? "the primary"}`);
  await server.createReplicaCluster(endpoint, clusterName, {
    instanceLabel: nodeLabel,
    ...(donor === undefined ? {} : { donor }),
  });
  relation.localApp.set({ [OFFER.replicaState]: INITIALIZED });
  ctx.log.info("Replica cluster created");
  await charm.updateStatus();
}

/** Some versions of Juju lose secret events across models, so the leader looks at every opportunity. */
async function refresh(at: Replication): Promise<Outcome> {
  if (await at.ctx.isLeader()) await keepShared(at);
  return done;
}

/** Whether this side has offered its cluster, or refused to. */
async function hasSpoken(relation: Relation): Promise<boolean> {
  const { offered, refused } = await primaryFacts(relation);
  return offered || refused;
}

/** A new leader goes on where the one before it may have stopped. */
async function takeOver(at: Replication): Promise<Outcome> {
  if (await at.ctx.isLeader()) await resumeRemovals(at);
  let outcome: Outcome = done;
  for (const relation of await relationsOf(at.ctx, "provides")) {
    const next = await (await at.ctx.isLeader() && await hasSpoken(relation) ? changed : offer)(at, relation);
    if (next.kind !== "done") outcome = next;
  }
  return outcome;
}

/**
 * The definition of the primary side.
 *
 * @param source the ports to the server and to the charm
 */
export function asyncReplicationPrimary(source: PortSource): InterfaceDefinition {
  const onRelation =
    <C extends Context>(handler: (at: Replication<C>, relation: Relation) => Promise<Outcome>) =>
    (ctx: C, relation: Relation) => inHook(source, ctx, (at) => handler(at, relation));
  const onHook = (handler: (at: Replication) => Promise<Outcome>) => (ctx: Context) => inHook(source, ctx, handler);
  return defineInterface({
    name: INTERFACE,
    aliases: ALIASES,
    role: "provides",
    needs: source.needs,
    on: { created: onRelation(offer), changed: onRelation(changed), broken: onRelation(broken) },
    lifecycle: { updateStatus: onHook(refresh), secretChanged: onHook(refresh), leaderElected: onHook(takeOver) },
    explain: explainPrimary,
  });
}
