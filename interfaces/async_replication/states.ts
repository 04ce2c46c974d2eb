/**
 * The states of a relation on both sides: which facts decide, and when replication is idle.
 *
 * @module
 */
import type { ReplicaStatus } from "../clients/mysql/cluster_set/status.ts";

/** State of the relation of two clusters. */
export type State = "uninitialized" | "syncing" | "initializing" | "recovery" | "ready" | "failed";

/** What the databags say on the primary side. */
export interface PrimaryFacts {
  /** The credentials have been offered. */
  readonly offered: boolean;
  /** This cluster is a replica itself, and has said so. */
  readonly refused: boolean;
  /** The replica side has sent its endpoint and its cluster's name. */
  readonly answered: boolean;
}

/** What the databags say on the replica side. */
export interface ReplicaFacts {
  readonly userData: boolean;
  /** The primary side has offered its credentials. */
  readonly offered: boolean;
  /** This side has sent its endpoint: credentials are synced, and the old cluster is dissolved. */
  readonly answered: boolean;
  /** The primary side has made the replica cluster. */
  readonly initialized: boolean;
}

/** The state that the databags alone decide; undefined: the status of the replica cluster decides. */
export function primaryPlace({ offered, refused, answered }: PrimaryFacts): State | undefined {
  if (refused) return "failed";
  if (!offered) return "uninitialized";
  return answered ? undefined : "syncing";
}

/** The state that follows from the status of a replica cluster that has sent its endpoint. */
export function stateOfStatus(status: ReplicaStatus | undefined): State {
  if (status === "ok" || status === "invalidated") return "ready";
  return status === "unknown" ? "initializing" : "recovery";
}

/** The state that the databags alone decide; undefined: whether all members are online decides. */
export function replicaPlace({ userData, offered, answered, initialized }: ReplicaFacts): State | undefined {
  if (userData) return "failed";
  if (offered && !answered) return "syncing";
  return initialized ? undefined : "initializing";
}

/** The state of an initialised replica cluster. */
export function stateOfMembers(fullyInitialized: boolean): State {
  return fullyInitialized ? "ready" : "recovery";
}

/** Whether a relation in this state waits for nothing, on the primary side. */
export function isPrimaryIdle(state: State): boolean {
  return state === "ready" || state === "uninitialized";
}

/** Whether a relation in this state waits for nothing, on the replica side; undefined: there is no relation. */
export function isReplicaIdle(state: State | undefined): boolean {
  return state === "ready" || state === undefined;
}
