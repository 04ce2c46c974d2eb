/**
 * Every action that the executable offers: one line each, loaded only when it runs.
 *
 * @module
 */
import type { InterfaceSide, LazyAction } from "../hooks/definition.ts";

const ETCD: InterfaceSide = { interface: "etcd", role: "peers" };
const MAGPIE: InterfaceSide = { interface: "magpie", role: "peers" };
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
];
