/**
 * What the handlers and actions ask of MySQL: the port behind which the SQL is.
 *
 * @module
 */
import type { ReplicaStatus } from "../clients/mysql/cluster_set/status.ts";

/** The state of this unit's server in its cluster. */
export interface MemberState {
  /** Such as `online`. */
  readonly state: string;
  /** `primary` or `secondary`. */
  readonly role: string;
}

/** Addresses (`host:port`) of the cluster's members. */
export interface ClusterEndpoints {
  readonly readWrite: readonly string[];
  readonly readOnly: readonly string[];
  readonly offline: readonly string[];
}

/** An operation on the cluster set that the server refused or could not finish. The message says why. */
export class ClusterSetError extends Error {
  override readonly name = "ClusterSetError";
}

/** An operation that goes on, or that waits for another one on the same cluster set: it is tried again later. */
export class ClusterSetBusyError extends Error {
  override readonly name = "ClusterSetBusyError";
}

/**
 * This unit's MySQL server, its cluster and the cluster set. It connects when it is first asked, so that a handler that
 * has nothing to ask opens no connection.
 *
 * Every change looks first and is safe to repeat: a hook that was killed half-way is run again. Changes that the server
 * refuses raise {@linkcode ClusterSetError}; a server that cannot be reached raises an error of its client.
 */
export interface ClusterSetServer {
  /** Whether this cluster is a replica in a cluster set; undefined: it is in none. */
  isClusterReplica(): Promise<boolean | undefined>;
  getMemberState(): Promise<MemberState>;
  /** Such as `8.0.36`; undefined when the server does not say. */
  getMysqlVersion(): Promise<string | undefined>;
  /** @param options getIps: addresses as IP addresses instead of the names that members report */
  getClusterEndpoints(options: { readonly getIps: boolean }): Promise<ClusterEndpoints>;
  /** Of a cluster that has become the set's primary since, `ok`: it needs nothing of this one. */
  getReplicaClusterStatus(cluster: string): Promise<ReplicaStatus | undefined>;
  /** Members of this unit's cluster: all, or those that are online. */
  getClusterNodeCount(options?: { readonly nodeStatus: "online" }): Promise<number>;
  getClusterSetName(): Promise<string | undefined>;
  getNonSystemDatabases(): Promise<readonly string[]>;
  isClusterInClusterSet(cluster: string): Promise<boolean | undefined>;
  isClusterWritesFenced(): Promise<boolean | undefined>;
  /** @param label the unit's name in the cluster, such as `mysql-0` */
  isInstanceInCluster(label: string): Promise<boolean>;
  /**
   * Adds a cluster to the set, beginning with its first node. Does nothing when it is there already.
   *
   * @param endpoint address of that node
   * @param options donor: `host:port` of the member to copy from; default: the primary
   */
  createReplicaCluster(
    endpoint: string,
    cluster: string,
    options: { readonly instanceLabel: string; readonly donor?: string },
  ): Promise<void>;
  /**
   * @param options force: also when it cannot be reached
   * @returns false when that cluster has become the primary: it stays
   * @throws {ClusterSetBusyError} when it cannot be removed now
   */
  removeReplicaCluster(cluster: string, options: { readonly force: boolean }): Promise<boolean>;
  /** @param force also when the present primary cluster cannot be reached; that one is then invalidated */
  promoteClusterToPrimary(cluster: string, force: boolean): Promise<void>;
  /** Makes this unit's server the primary of its own cluster. @param force also when the cluster has lost its quorum */
  promoteUnitToPrimary(force: boolean): Promise<void>;
  fenceWrites(): Promise<void>;
  unfenceWrites(): Promise<void>;
  rejoinCluster(cluster: string): Promise<void>;
  dissolveCluster(): Promise<void>;
  /** Whether this server was in a cluster, and has left it by somebody's wish: one that is only down has not. */
  hasLeft(): Promise<boolean>;
  /** Whether all other units' servers that were in the cluster have left it by somebody's wish. */
  haveOthersLeft(): Promise<boolean>;
  /** Whether all other units' servers answer and are in no cluster. */
  isNobodyIn(): Promise<boolean>;
  /** Whether this cluster runs without taking writes, and its cluster set no longer has it. */
  wasRemoved(): Promise<boolean>;
  /** @param options host: part of the account's name; default: every host */
  updateUserPassword(user: string, password: string, options?: { readonly host: string }): Promise<void>;
}
