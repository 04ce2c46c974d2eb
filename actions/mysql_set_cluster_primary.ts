/**
 * Action `set-cluster-primary` of charms that run MySQL.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { readGroup } from "../interfaces/clients/mysql/members.ts";
import { unitsOf } from "../interfaces/mysql_innodb_cluster/server/own.ts";
import { changePrimary } from "../interfaces/mysql_innodb_cluster/server/set_access.ts";
import { TEXT } from "../interfaces/mysql_innodb_cluster/server/texts.ts";
import { openAt, sameAddress } from "../interfaces/mysql_innodb_cluster/server/ward.ts";
import { addressedUnit, ASKING, healthyView, MYSQL_SERVER, withLeadersWard } from "./mysql_own.ts";
import { statusResults } from "./mysql_status.ts";

/** Milliseconds for connecting and for each statement but the switch itself. */
const WORK_MS = 20_000;

/** Makes a unit's server the one that takes writes. */
export const mysqlSetClusterPrimary = defineAction({
  name: "set-cluster-primary",
  side: MYSQL_SERVER,
  needs: ASKING,
  run: (ctx) =>
    withLeadersWard(ctx, async (ward) => {
      const { unit, address } = addressedUnit(ctx, ward);
      const target = (await healthyView(ward)).members.find((member) => sameAddress(member, address));
      if (target?.state !== "ONLINE") throw new ActionFailed(TEXT.notOnline(unit));
      await using db = await openAt(ward, address, WORK_MS);
      await changePrimary(ward, db, target.uuid);
      return statusResults(ward.record, await readGroup(db), unitsOf(ward));
    }),
});
