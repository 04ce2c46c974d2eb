/**
 * Interface `etcd` in the charm that runs etcd: each unit keeps a member of the cluster.
 *
 * @module
 */
import { defineInterface } from "../../hooks/definition.ts";
import { CLUSTER, ENDS } from "../needs.ts";
import { withWorkload } from "../workload.ts";
import { etcdPeersInterface } from "./peers.ts";
import { cleanUp, leave } from "./server/leave.ts";
import { install } from "./server/packages.ts";
import { reconcile } from "./server/reconcile.ts";
import { TEXT } from "./server/texts.ts";

/** The side of the units among each other, with the member that each of them runs. */
export const etcdServer = defineInterface({
  ...etcdPeersInterface,
  lifecycle: withWorkload(etcdPeersInterface.lifecycle, { installing: TEXT.installing, install, leave, cleanUp }),
  when: [{ name: "reconcile", needs: CLUSTER, notIn: ENDS, run: reconcile }],
});
