/**
 * Action `cluster-status` of charms that run MySQL.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { unitsOf, viewOfCluster } from "../interfaces/mysql_innodb_cluster/server/own.ts";
import { ASKING, MYSQL_SERVER, withWard } from "./mysql_own.ts";
import { statusResults } from "./mysql_status.ts";

/** Tells who is in the cluster and how each member is. */
export const mysqlClusterStatus = defineAction({
  name: "cluster-status",
  side: MYSQL_SERVER,
  needs: ASKING,
  run: (ctx) => withWard(ctx, async (ward) => statusResults(ward.record, await viewOfCluster(ward), unitsOf(ward))),
});
