/**
 * Every action that the executable offers: one line each, loaded only when it runs.
 *
 * @module
 */
import type { InterfaceSide, LazyAction } from "../hooks/definition.ts";

const ASYNC: InterfaceSide = { interface: "async_replication", role: "provides" };
const ETCD: InterfaceSide = { interface: "etcd", role: "peers" };
const MAGPIE: InterfaceSide = { interface: "magpie", role: "peers" };
const MYSQL: InterfaceSide = { interface: "mysql-innodb-cluster", role: "peers" };
const POSTGRESQL: InterfaceSide = { interface: "postgresql_peers", role: "peers" };

/** One line for each action. */
export const ACTIONS: readonly LazyAction[] = [
  { name: "health", side: ETCD, load: async () => (await import("./etcd_health.ts")).etcdHealth },
  { name: "member-list", side: ETCD, load: async () => (await import("./etcd_member_list.ts")).etcdMemberList },
  { name: "snapshot", side: ETCD, load: async () => (await import("./etcd_snapshot.ts")).etcdSnapshot },
  { name: "restore", side: ETCD, load: async () => (await import("./etcd_restore.ts")).etcdRestore },
  {
    name: "rotate-certificates",
    side: ETCD,
    load: async () => (await import("./etcd_rotate_certificates.ts")).etcdRotateCertificates,
  },
  { name: "ping", side: MAGPIE, load: async () => (await import("./magpie_ping.ts")).magpiePing },
  { name: "dns", side: MAGPIE, load: async () => (await import("./magpie_dns.ts")).magpieDns },
  { name: "iperf", side: MAGPIE, load: async () => (await import("./magpie_iperf.ts")).magpieIperf },
  { name: "info", side: MAGPIE, load: async () => (await import("./magpie_info.ts")).magpieInfo },
  {
    name: "get-primary",
    side: POSTGRESQL,
    load: async () => (await import("./postgresql_get_primary.ts")).postgresqlGetPrimary,
  },
  {
    name: "get-cluster-status",
    side: POSTGRESQL,
    load: async () => (await import("./postgresql_get_cluster_status.ts")).postgresqlGetClusterStatus,
  },
  {
    name: "switchover",
    side: POSTGRESQL,
    load: async () => (await import("./postgresql_switchover.ts")).postgresqlSwitchover,
  },
  {
    name: "reinitialize",
    side: POSTGRESQL,
    load: async () => (await import("./postgresql_reinitialize.ts")).postgresqlReinitialize,
  },
  {
    name: "set-password",
    side: POSTGRESQL,
    load: async () => (await import("./postgresql_set_password.ts")).postgresqlSetPassword,
  },
  { name: "restart", side: POSTGRESQL, load: async () => (await import("./postgresql_restart.ts")).postgresqlRestart },
  {
    name: "rotate-certificate",
    side: POSTGRESQL,
    load: async () => (await import("./postgresql_rotate_certificate.ts")).postgresqlRotateCertificate,
  },
  {
    name: "cluster-status",
    side: MYSQL,
    load: async () => (await import("./mysql_cluster_status.ts")).mysqlClusterStatus,
  },
  {
    name: "create-cluster",
    side: MYSQL,
    load: async () => (await import("./mysql_create_cluster.ts")).mysqlCreateCluster,
  },
  { name: "add-instance", side: MYSQL, load: async () => (await import("./mysql_add_instance.ts")).mysqlAddInstance },
  {
    name: "remove-instance",
    side: MYSQL,
    load: async () => (await import("./mysql_remove_instance.ts")).mysqlRemoveInstance,
  },
  {
    name: "rejoin-instance",
    side: MYSQL,
    load: async () => (await import("./mysql_rejoin_instance.ts")).mysqlRejoinInstance,
  },
  {
    name: "set-cluster-primary",
    side: MYSQL,
    load: async () => (await import("./mysql_set_cluster_primary.ts")).mysqlSetClusterPrimary,
  },
  {
    name: "reboot-cluster-from-complete-outage",
    side: MYSQL,
    load: async () => (await import("./mysql_reboot_cluster.ts")).mysqlRebootCluster,
  },
  { name: "set-password", side: MYSQL, load: async () => (await import("./mysql_set_password.ts")).mysqlSetPassword },
  {
    name: "promote-standby-cluster",
    side: ASYNC,
    load: async () => (await import("./async_promote_standby_cluster.ts")).asyncPromoteStandbyCluster,
  },
  {
    name: "promote-to-primary",
    side: ASYNC,
    load: async () => (await import("./async_promote_to_primary.ts")).asyncPromoteToPrimary,
  },
  { name: "fence-writes", side: ASYNC, load: async () => (await import("./async_fence_writes.ts")).asyncFenceWrites },
  {
    name: "unfence-writes",
    side: ASYNC,
    load: async () => (await import("./async_unfence_writes.ts")).asyncUnfenceWrites,
  },
  {
    name: "rejoin-cluster",
    side: ASYNC,
    load: async () => (await import("./async_rejoin_cluster.ts")).asyncRejoinCluster,
  },
  {
    name: "recreate-cluster",
    side: ASYNC,
    load: async () => (await import("./async_recreate_cluster.ts")).asyncRecreateCluster,
  },
  {
    name: "create-replication",
    side: ASYNC,
    load: async () => (await import("./async_create_replication.ts")).asyncCreateReplication,
  },
];
