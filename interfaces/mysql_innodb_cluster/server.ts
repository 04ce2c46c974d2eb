/**
 * Interface `mysql-innodb-cluster` in the charm that runs MySQL: each unit's server becomes a member of the cluster.
 *
 * @module
 */
import { defineInterface } from "../../hooks/definition.ts";
import { CLUSTER, ENDS } from "../needs.ts";
import { withWorkload } from "../workload.ts";
import { mysqlInnodbClusterPeers } from "./peers.ts";
import { cleanUp, leave } from "./server/leave.ts";
import { install } from "./server/program.ts";
import { reconcile } from "./server/reconcile.ts";
import { TEXT } from "./server/texts.ts";

/** The side of the units among each other, with the server that each of them runs. */
export const mysqlInnodbClusterServer = defineInterface({
  ...mysqlInnodbClusterPeers,
  lifecycle: withWorkload(mysqlInnodbClusterPeers.lifecycle, { installing: TEXT.installing, install, leave, cleanUp }),
  when: [{ name: "reconcile", needs: CLUSTER, notIn: ENDS, run: reconcile }],
});
