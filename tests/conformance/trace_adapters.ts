/**
 * What the methods of the original interfaces are in ours, by interface. A later interface adds its table here.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { etcdPeers } from "../../interfaces/etcd/peers.ts";
import { etcdProvider } from "../../interfaces/etcd/provides.ts";
import { etcdClient } from "../../interfaces/etcd/requires.ts";
import { type MagpiePeers, magpiePeers, type Node } from "../../interfaces/magpie/peers.ts";
import { mysqlInnodbCluster } from "../../interfaces/mysql_innodb_cluster/peers.ts";
import type { TraceContext } from "./trace_format.ts";

/** What a method is called on. */
export interface Target {
  readonly ctx: Context;
  /** The endpoint's name. */
  readonly endpoint: string;
  /** Last part of the flag through which the charm got the object; undefined when it named the endpoint. */
  readonly flag: string | undefined;
  readonly context: TraceContext;
}

/** A method of the original, by its name, on our API. Its result is compared with the original's. */
export type Method = (target: Target, args: readonly unknown[]) => unknown;

/** Methods of one side of an interface. */
export type Adapter = Readonly<Record<string, Method>>;

const text = (value: unknown): string => typeof value === "string" ? value : "";
const nullable = (value: unknown): string | null => typeof value === "string" ? value : null;

const ETCD_REQUIRES: Adapter = {
  get_connection_string: ({ ctx, endpoint }) => etcdClient(ctx, endpoint).getConnectionString(),
  connection_string: ({ ctx, endpoint }) => etcdClient(ctx, endpoint).connectionString(),
  get_version: ({ ctx, endpoint }) => etcdClient(ctx, endpoint).getVersion(),
  async get_client_credentials({ ctx, endpoint }) {
    const { clientCert, clientKey, clientCa } = await etcdClient(ctx, endpoint).getClientCredentials();
    return { client_cert: clientCert, client_key: clientKey, client_ca: clientCa };
  },
  async save_client_credentials({ ctx, endpoint }, [key, cert, ca]) {
    await etcdClient(ctx, endpoint).saveClientCredentials(text(key), text(cert), text(ca));
  },
};

const ETCD_PROVIDES: Adapter = {
  set_connection_string: ({ ctx, endpoint }, [value, version]) =>
    etcdProvider(ctx, endpoint).setConnectionString(text(value), text(version)),
  set_client_credentials: ({ ctx, endpoint }, [key, cert, ca]) =>
    etcdProvider(ctx, endpoint).setClientCredentials(nullable(key), nullable(cert), nullable(ca)),
};

const ETCD_PEERS: Adapter = {
  get_peers({ ctx, endpoint, flag }) {
    const peers = etcdPeers(ctx, endpoint);
    return flag === "departing" ? peers.getDeparting() : peers.getPeers();
  },
  get_db_ingress_addresses({ ctx, endpoint, flag }) {
    const peers = etcdPeers(ctx, endpoint);
    return flag === "departing" ? peers.getDepartingDbIngressAddresses() : peers.getDbIngressAddresses();
  },
  set_db_ingress_address: ({ ctx, endpoint }, [address]) => etcdPeers(ctx, endpoint).setDbIngressAddress(text(address)),
  dismiss: ({ ctx, endpoint }) => etcdPeers(ctx, endpoint).dismiss(),
};

const pairs = (nodes: readonly Node[]) => nodes.map(({ unit, address = null }) => [unit, address]);

/** A lookup through the departed flag covers the departed units, any other the present ones. */
function magpieOf(
  { ctx, endpoint, flag }: Target,
): Pick<MagpiePeers, "getNodes" | "getIperfChecked" | "checkReadyIperfServers"> {
  const peers = magpiePeers(ctx, endpoint);
  if (flag !== "departed") return peers;
  return {
    getNodes: (cidr) => peers.getDepartedNodes(cidr),
    getIperfChecked: () => peers.getDepartedIperfChecked(),
    checkReadyIperfServers: () => peers.checkDepartedIperfServers(),
  };
}

const MAGPIE: Adapter = {
  get_nodes: async (target, [cidr]) => pairs(await magpieOf(target).getNodes(text(cidr))),
  get_iperf_checked: (target) => magpieOf(target).getIperfChecked(),
  check_ready_iperf_servers: async (target) => pairs(await magpieOf(target).checkReadyIperfServers()),
  dismiss_joined: ({ ctx, endpoint }) => magpiePeers(ctx, endpoint).dismissJoined(),
  dismiss_departed: ({ ctx, endpoint }) => magpiePeers(ctx, endpoint).dismissDeparted(),
  advertise_addresses({ ctx, endpoint, context }) {
    const addresses = Object.values(context.host_interfaces).flat().map((address) => ({ address }));
    return magpiePeers(ctx, endpoint).advertiseAddresses(addresses);
  },
  set_iperf_checked: ({ ctx, endpoint }) => magpiePeers(ctx, endpoint).setIperfChecked(),
  set_iperf_server_ready: ({ ctx, endpoint }) => magpiePeers(ctx, endpoint).setIperfServerReady(),
  set_iperf_server_checked: ({ ctx, endpoint }) => magpiePeers(ctx, endpoint).setIperfServerChecked(),
};

const MYSQL_INNODB_CLUSTER: Adapter = {
  set_cluster_connection_info: ({ ctx, endpoint }, [address, user, password]) =>
    mysqlInnodbCluster(ctx, endpoint).setClusterConnectionInfo(text(address), text(user), text(password)),
  set_unit_configure_ready: ({ ctx, endpoint }) => mysqlInnodbCluster(ctx, endpoint).setUnitConfigureReady(),
  set_unit_clustered: ({ ctx, endpoint }) => mysqlInnodbCluster(ctx, endpoint).setUnitClustered(),
  ingress_address: ({ ctx, endpoint }) => mysqlInnodbCluster(ctx, endpoint).ingressAddress(),
  available: ({ ctx, endpoint }) => mysqlInnodbCluster(ctx, endpoint).available(),
  clustered: ({ ctx, endpoint }) => mysqlInnodbCluster(ctx, endpoint).clustered(),
  async is_joined({ ctx, endpoint }) {
    return (await mysqlInnodbCluster(ctx, endpoint).allJoinedUnits()).length > 0;
  },
  async all_joined_units({ ctx, endpoint }) {
    const units = await mysqlInnodbCluster(ctx, endpoint).allJoinedUnits();
    return units.map(({ unit, relationId, received }) => ({
      unit,
      relation_id: `${endpoint}:${relationId}`,
      received: {
        "cluster-address": received.clusterAddress,
        "cluster-user": received.clusterUser,
        "cluster-password": received.clusterPassword,
        "unit-configure-ready": received.unitConfigureReady,
        "unit-clustered": received.unitClustered,
      },
    }));
  },
};

const ADAPTERS: Readonly<Record<string, Adapter>> = {
  "etcd requires": ETCD_REQUIRES,
  "etcd provides": ETCD_PROVIDES,
  "etcd peers": ETCD_PEERS,
  "magpie peers": MAGPIE,
  "magpie2 peers": MAGPIE,
  "mysql-innodb-cluster peers": MYSQL_INNODB_CLUSTER,
};

/** The methods of one side of an interface; undefined when this build does not have it. */
export function adapterFor(interfaceName: string, role: string): Adapter | undefined {
  return ADAPTERS[`${interfaceName} ${role}`];
}
