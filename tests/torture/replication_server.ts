/**
 * The servers that replication between clusters asks, as {@link ./clusters.ts} simulates them.
 *
 * @module
 */
import { announce } from "../../interfaces/async_replication/mysql/clusters.ts";
import {
  ClusterSetBusyError,
  ClusterSetError,
  type ClusterSetServer,
} from "../../interfaces/async_replication/cluster_server.ts";
import { USERS } from "../../interfaces/async_replication/credentials.ts";
import { PEER_APP, RELEASED } from "../../interfaces/async_replication/keys.ts";
import { followsPasswords } from "../../interfaces/mysql_innodb_cluster/server/set_keys.ts";
import type { Context, Relation } from "../../mod.ts";
import {
  begin,
  change,
  clusterInSet,
  clusterOf,
  clusterOfApp,
  dissolve,
  groupOf,
  servers,
  setPasswords,
  VERSION,
} from "./clusters.ts";

/** Name of every cluster, until one of a set takes another one. */
export const NAME = "cluster";

/** The relation of the units among each other. */
export async function peersOf(ctx: Context): Promise<Relation | undefined> {
  return (await ctx.relations("cluster"))[0];
}

/** What {@linkcode ClusterSetServer} promises, where no operator is. */
export function serverOf(ctx: Context): ClusterSetServer {
  const own = () => clusterOf(ctx.unit);
  const inSet = (name: string) => clusterInSet(ctx.unit, name);
  const answer = <T>(value: T) => Promise.resolve(value);
  const isNobodyIn = () => answer((clusterOfApp(ctx.application)?.units ?? []).every((unit) => unit === ctx.unit));
  const noOperator = () => Promise.reject(new ClusterSetError("no operator is here"));
  return {
    isClusterReplica: () => answer(own() && own()?.mode === "replica"),
    getMemberState() {
      const { state = "OFFLINE", role = "unknown" } = groupOf(ctx.unit).self ?? {};
      return answer({ state: state.toLowerCase(), role });
    },
    getMysqlVersion: () => answer(VERSION),
    getClusterEndpoints: () => answer({ readWrite: [], readOnly: [], offline: [] }),
    getReplicaClusterStatus: (name) => answer(inSet(name) ? "ok" : "unknown"),
    getClusterNodeCount(options) {
      const { members, online } = groupOf(ctx.unit);
      return answer(options?.nodeStatus === "online" ? online : members.length);
    },
    getClusterSetName: () => answer(own()?.set || undefined),
    getNonSystemDatabases: () => answer([]),
    isClusterInClusterSet: (name) => answer(inSet(name) !== undefined),
    isClusterWritesFenced: () => answer(false),
    isInstanceInCluster: () => answer(own() !== undefined),
    createReplicaCluster: (_endpoint, name, { instanceLabel }) => addReplica(ctx, name, instanceLabel),
    async removeReplicaCluster(name) {
      const found = inSet(name);
      if (found?.mode === "open") return false;
      if (found) await change(ctx, (all) => dissolve(all, found.app));
      return true;
    },
    promoteClusterToPrimary: noOperator,
    promoteUnitToPrimary: noOperator,
    fenceWrites: noOperator,
    unfenceWrites: noOperator,
    rejoinCluster: noOperator,
    dissolveCluster: () => endCluster(ctx),
    hasLeft: () => answer(ctx.unit in servers().outside),
    // Servers that leave do so for good.
    haveOthersLeft: isNobodyIn,
    isNobodyIn,
    wasRemoved: () => answer(own()?.mode === "closed"),
    updateUserPassword(user, password) {
      const key = USERS.find((each) => each.user === user)?.key ?? user;
      return change(ctx, (all) => setPasswords(all, ctx.unit, { [key]: password }));
    },
  };
}

/** All units know of it first. */
async function endCluster(ctx: Context): Promise<void> {
  const peers = await peersOf(ctx);
  if (!peers) return;
  const others = (await peers.unitNames()).map((unit) => ({ unit }));
  if (await followsPasswords(ctx)) await announce({ peers, others });
  if (clusterOfApp(ctx.application)) await change(ctx, (all) => dissolve(all, ctx.application));
  peers.local.set(RELEASED);
}

/** The set begins with its first replica, which gets the primary's data. */
async function addReplica(ctx: Context, name: string, label: string): Promise<void> {
  const primary = clusterOf(ctx.unit);
  const unit = label.replace(/-(\d+)$/, "/$1");
  if (clusterInSet(ctx.unit, name)) return;
  if (!primary || !(unit in servers().outside)) throw new ClusterSetBusyError(`${unit} cannot be made a replica now`);
  const app = await (await peersOf(ctx))?.app() ?? {};
  const set = app[PEER_APP.clusterSetName] ?? "";
  await change(ctx, ({ clusters, outside }) => {
    const named = clusters.map((each) =>
      each.app === ctx.application ? { ...each, set, name: app[PEER_APP.clusterName] ?? NAME } : each
    );
    return begin({ clusters: named, outside }, unit, { name, set, mode: "replica", data: primary.data });
  });
}
