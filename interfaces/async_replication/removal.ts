/**
 * Replica clusters whose relation has ended: the primary's leader removes them. Every unit keeps their names, because
 * another one may lead by the time at which that succeeds.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { Relation } from "../../hooks/relation.ts";
import type { ReplicaStatus } from "../clients/mysql/cluster_set/status.ts";
import { ClusterSetBusyError } from "./cluster_server.ts";
import { isName, readAnswer } from "./keys.ts";
import { relationsOf, remoteBag, type Replication, roleOf, warner } from "./replication.ts";
import { TEXT } from "./texts.ts";

const SCOPE = "async-replication:ended";
/** More than a set has clusters. */
const MAX_NAMES = 20;
/** A replica that does not follow, or cannot be asked, gets no last transactions: it is not waited for. */
const UNFIT: readonly ReplicaStatus[] = ["invalidated", "unknown", "not_ok"];

/** Keeps the name that the other side of a relation has sent. */
export async function note(at: Replication, relation: Relation): Promise<void> {
  const { clusterName } = readAnswer(await remoteBag(relation), warner(at.ctx, relation));
  if (clusterName === undefined) return at.ctx.log.warning("No cluster name found, skipping removal");
  add(at.ctx, clusterName);
}

/** Takes over the name that an earlier revision of the charm kept when it deferred the end of a relation. */
export function adoptNote({ ctx }: Replication, { endpoint, id }: Relation): void {
  const old = ctx.storedAs(`${endpoint.name}:${id}`);
  const name = old.get(undefined, (value) => isText(value) && isName(value) ? value : undefined);
  if (name !== undefined) add(ctx, name);
  old.set(undefined);
}

/** Nothing is to be removed any more. */
export function forget(ctx: Context): void {
  keep(ctx, []);
}

/**
 * Removes, on the leader, the clusters whose names are kept. Those that are not removed stay noted.
 *
 * @throws {ClusterSetBusyError} when one cannot be removed now
 */
export async function removeNoted(at: Replication): Promise<void> {
  for (const name of noted(at.ctx)) {
    await removeReplica(at, name);
    keep(at.ctx, noted(at.ctx).filter((each) => each !== name));
  }
}

/** A new leader goes on where the one before it may have stopped; a cluster that is a replica now removes none. */
export async function resumeRemovals(at: Replication): Promise<void> {
  if (noted(at.ctx).length === 0) return;
  const { cluster } = await roleOf(at);
  if (cluster === "replica") forget(at.ctx);
  if (cluster !== "primary") return;
  await removeNoted(at);
  await at.charm.updateStatus();
}

async function removeReplica(at: Replication, name: string): Promise<void> {
  const { ctx, server, charm, peer } = at;
  if (await isOthers(at, name)) return ctx.log.warning(`Cluster ${name} is not that relation's: it is not removed`);
  if (!await server.isClusterInClusterSet(name)) {
    // A unit that is not in its cluster yet does not know the set.
    if (!await peer.unitInitialized()) throw new ClusterSetBusyError(TEXT.removingLater(name));
    return ctx.log.warning(`Replica cluster ${name} not found in cluster set, skipping removal`);
  }
  ctx.status.set("maintenance", TEXT.removing);
  ctx.log.info(`Removing replica cluster ${name}`);
  const status = await server.getReplicaClusterStatus(name);
  const force = status !== undefined && UNFIT.includes(status);
  if (!await server.removeReplicaCluster(name, { force })) return;
  ctx.log.info(`Replica cluster ${name} removed`);
  ctx.status.set("active", await charm.activeStatusMessage());
}

/** The name is this cluster's own, or the one of a relation that goes on: the other side may send any. */
async function isOthers({ ctx, peer }: Replication, name: string): Promise<boolean> {
  if (name === await peer.clusterName()) return true;
  const relations = [...await relationsOf(ctx, "provides"), ...await relationsOf(ctx, "requires")];
  const bags = await Promise.all(relations.map(remoteBag));
  return bags.some((bag) => readAnswer(bag).clusterName === name);
}

function noted(ctx: Context): readonly string[] {
  return ctx.storedAs(SCOPE).get([], (value) => Array.isArray(value) ? value.filter(isText).filter(isName) : []);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function add(ctx: Context, name: string): void {
  keep(ctx, [...new Set([...noted(ctx), name])].slice(-MAX_NAMES));
}

function keep(ctx: Context, names: readonly string[]): void {
  ctx.storedAs(SCOPE).set(names.length === 0 ? undefined : names);
}
