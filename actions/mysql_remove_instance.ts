/**
 * Action `remove-instance` of charms that run MySQL.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { ClientError } from "../interfaces/clients/errors.ts";
import { leaveGroup } from "../interfaces/clients/mysql/group.ts";
import type { Address } from "../interfaces/clients/mysql/status.ts";
import { handOver } from "../interfaces/mysql_innodb_cluster/server/hand_over.ts";
import { unitsOf } from "../interfaces/mysql_innodb_cluster/server/own.ts";
import { tellMembers } from "../interfaces/mysql_innodb_cluster/server/tell.ts";
import { TEXT } from "../interfaces/mysql_innodb_cluster/server/texts.ts";
import { openAt, sameAddress, type Ward } from "../interfaces/mysql_innodb_cluster/server/ward.ts";
import { addressedUnit, ASKING, healthyView, MYSQL_SERVER, withLeadersWard } from "./mysql_own.ts";
import { statusResults } from "./mysql_status.ts";

/** Milliseconds for connecting and for each statement. */
const WORK_MS = 20_000;

/** Takes a unit's server out of the cluster until somebody adds it again. */
export const mysqlRemoveInstance = defineAction({
  name: "remove-instance",
  side: MYSQL_SERVER,
  needs: ASKING,
  run: (ctx) =>
    withLeadersWard(ctx, async (ward) => {
      const { unit, address } = addressedUnit(ctx, ward);
      const before = await healthyView(ward);
      if (before.members.length === 1 && before.members.some((member) => sameAddress(member, address))) {
        throw new ActionFailed(TEXT.lastMember(unit));
      }
      const hasLeft = await leave(ward, address);
      if (!hasLeft && ctx.params.boolean("force") !== true) throw new ActionFailed(TEXT.needsForce(unit));
      const view = await healthyView(ward);
      const removed = [...new Set([...ward.record.removed, unit])];
      await tellMembers(ward, view, { removed });
      return statusResults(ward.record, view, unitsOf(ward).filter((each) => !removed.includes(each.unit)));
    }),
});

/** @returns false when the server cannot be asked; the group expels one that is dead */
async function leave(ward: Ward, address: Address): Promise<boolean> {
  try {
    await using db = await openAt(ward, address, WORK_MS);
    await handOver(ward.ctx, db);
    await leaveGroup(db);
    return true;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ward.ctx.log.warning(error.message);
    return false;
  }
}
