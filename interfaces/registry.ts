/**
 * Every interface that the executable speaks: one line each, loaded only by hooks of charms that use it.
 *
 * @module
 */
import type { LazyInterface } from "../hooks/definition.ts";

/** One line for each side of each interface. */
export const INTERFACES: readonly LazyInterface[] = [
  {
    name: "async_replication",
    aliases: ["mysql_async"],
    role: "provides",
    load: async () => (await import("./async_replication/mysql/primary.ts")).mysqlReplicationPrimary,
  },
  {
    name: "async_replication",
    aliases: ["mysql_async"],
    role: "requires",
    load: async () => (await import("./async_replication/mysql/replica.ts")).mysqlReplicationReplica,
  },
  { name: "etcd", role: "provides", load: async () => (await import("./etcd/provides.ts")).etcdProvides },
  { name: "etcd", role: "requires", load: async () => (await import("./etcd/requires.ts")).etcdRequires },
  { name: "etcd", role: "peers", load: async () => (await import("./etcd/server.ts")).etcdServer },
  {
    name: "magpie",
    aliases: ["magpie2"],
    role: "peers",
    load: async () => (await import("./magpie/checks.ts")).magpieChecks,
  },
  {
    name: "mysql-innodb-cluster",
    role: "peers",
    load: async () => (await import("./mysql_innodb_cluster/server.ts")).mysqlInnodbClusterServer,
  },
  {
    name: "postgresql_peers",
    role: "peers",
    load: async () => (await import("./database_peers/server.ts")).databasePeers,
  },
  { name: "rolling_op", role: "peers", load: async () => (await import("./rolling_op/peers.ts")).rollingOpPeers },
];
