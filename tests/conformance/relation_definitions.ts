/**
 * The relations of the interfaces that traces were recorded of, without the workloads behind them.
 *
 * @module
 */
import type { InterfaceDefinition } from "../../hooks/definition.ts";
import { etcdPeersInterface } from "../../interfaces/etcd/peers.ts";
import { etcdProvides } from "../../interfaces/etcd/provides.ts";
import { etcdRequires } from "../../interfaces/etcd/requires.ts";
import { magpie } from "../../interfaces/magpie/peers.ts";
import { mysqlInnodbClusterPeers } from "../../interfaces/mysql_innodb_cluster/peers.ts";

/** One definition for each side. */
export const RELATIONS: readonly InterfaceDefinition[] = [
  etcdProvides,
  etcdRequires,
  etcdPeersInterface,
  magpie,
  mysqlInnodbClusterPeers,
];
