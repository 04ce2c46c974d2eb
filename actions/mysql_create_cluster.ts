/**
 * Action `create-cluster` of charms that run MySQL.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { readGroup } from "../interfaces/clients/mysql/members.ts";
import { remember } from "../interfaces/mysql_innodb_cluster/server/memory.ts";
import { create } from "../interfaces/mysql_innodb_cluster/server/moves.ts";
import { openOwn } from "../interfaces/mysql_innodb_cluster/server/mysqld.ts";
import { unitsOf, viewOfCluster } from "../interfaces/mysql_innodb_cluster/server/own.ts";
import { tellMembers } from "../interfaces/mysql_innodb_cluster/server/tell.ts";
import { TEXT } from "../interfaces/mysql_innodb_cluster/server/texts.ts";
import { ASKING, MYSQL_SERVER, withLeadersWard } from "./mysql_own.ts";
import { statusResults } from "./mysql_status.ts";

/** Makes the cluster without waiting for other units. */
export const mysqlCreateCluster = defineAction({
  name: "create-cluster",
  side: MYSQL_SERVER,
  needs: ASKING,
  run: (ctx) =>
    withLeadersWard(ctx, async (ward) => {
      const { record, others } = ward;
      // Only one unit may ever make it: two at the same time would make two.
      if (record.first !== ctx.unit) throw new ActionFailed(TEXT.createOn(record.first));
      const isThere = record.clustered.length > 0 || others.some(({ clustered }) => clustered);
      if (isThere || await viewOfCluster(ward)) throw new ActionFailed(TEXT.isCluster);
      await using own = await openOwn(ward.place);
      const obstacle = await create(ward, own);
      if (obstacle) throw new ActionFailed(obstacle.text);
      remember(ctx, { wasMember: true, settled: "" });
      const view = await readGroup(own);
      await tellMembers(ward, view);
      return statusResults(record, view, unitsOf(ward));
    }),
});
