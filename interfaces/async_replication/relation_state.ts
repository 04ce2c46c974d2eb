/**
 * The states of the relations as the databags and the server have them.
 *
 * @module
 */
import type { Relation } from "../../hooks/relation.ts";
import type { ReplicaStatus } from "../clients/mysql/cluster_set/status.ts";
import { ANSWER, OFFER, PEER_APP, readAnswer, readOffer } from "./keys.ts";
import { isFullyInitialized, relationsOf, remoteBag, type Replication } from "./replication.ts";
import {
  isPrimaryIdle,
  isReplicaIdle,
  type PrimaryFacts,
  primaryPlace,
  type ReplicaFacts,
  replicaPlace,
  type State,
  stateOfMembers,
  stateOfStatus,
} from "./states.ts";

/** A relation's state on the primary side, and the status that it follows from where the server was asked. */
export interface PrimaryState {
  readonly state: State;
  readonly status: ReplicaStatus | undefined;
}

/** What the databags of a relation say. Only the leader can read them. */
export async function primaryFacts(relation: Relation): Promise<PrimaryFacts> {
  const [local, remote] = await Promise.all([relation.localApp.get(), remoteBag(relation)]);
  const { clusterName } = readAnswer(remote);
  return {
    offered: Boolean(local[OFFER.secretId]),
    refused: local[OFFER.isReplica] === "true",
    answered: Boolean(remote[ANSWER.endpoint]) && clusterName !== undefined,
  };
}

/** A relation's state. Only the leader can read it. */
export async function primaryState(
  { server }: Pick<Replication, "server">,
  relation: Relation,
): Promise<PrimaryState> {
  const place = primaryPlace(await primaryFacts(relation));
  if (place !== undefined) return { state: place, status: undefined };
  const status = await server.getReplicaClusterStatus(readAnswer(await remoteBag(relation)).clusterName ?? "");
  return { state: stateOfStatus(status), status };
}

/** Whether no replica cluster waits for this one. Units that do not lead are always idle. */
export async function isPrimarySideIdle(at: Pick<Replication, "ctx" | "server">): Promise<boolean> {
  if (!await at.ctx.isLeader()) return true;
  for (const relation of await relationsOf(at.ctx, "provides")) {
    if (!isPrimaryIdle((await primaryState(at, relation)).state)) return false;
  }
  return true;
}

/** What the databags of a relation say. Only the leader can read them. */
export async function replicaFacts(relation: Relation): Promise<ReplicaFacts> {
  const [local, remote] = await Promise.all([relation.localApp.get(), remoteBag(relation)]);
  const { secretId, initialized } = readOffer(remote);
  return {
    userData: local[ANSWER.userDataFound] === "true",
    offered: secretId !== undefined,
    answered: Boolean(local[ANSWER.endpoint]),
    initialized,
  };
}

/** A relation's state. Only the leader can read it. */
export async function replicaState(at: Pick<Replication, "ctx" | "server">, relation: Relation): Promise<State> {
  return replicaPlace(await replicaFacts(relation)) ?? stateOfMembers(await isFullyInitialized(at));
}

/** Whether this cluster waits for no primary. Units that do not lead are always idle. */
export async function isReplicaSideIdle(at: Pick<Replication, "ctx" | "server">): Promise<boolean> {
  if (!await at.ctx.isLeader()) return true;
  const [relation] = await relationsOf(at.ctx, "requires");
  return isReplicaIdle(relation && await replicaState(at, relation));
}

/**
 * Whether this cluster comes back to the set that it was removed from, or had begun to join: its data may then stay,
 * because what it lacks can be copied.
 */
export async function isReturning({ peer }: Pick<Replication, "peer">, relation: Relation): Promise<boolean> {
  const { [PEER_APP.removed]: removed, [PEER_APP.clusterSetName]: own, [PEER_APP.answeredTo]: other } = await peer
    .app();
  const { clusterSetName } = readOffer(await remoteBag(relation));
  return removed === "true" && clusterSetName !== undefined && [own, other].includes(clusterSetName);
}

/** Whether the primary side has made the replica cluster. */
export async function isReplicaInitialized(relation: Relation): Promise<boolean> {
  return readOffer(await remoteBag(relation)).initialized;
}
