/**
 * Action `add-instance` of charms that run MySQL.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import type { Method } from "../interfaces/mysql_innodb_cluster/server/moves.ts";
import { bringUnitIn } from "./mysql_bring_in.ts";
import { addressedUnit, ASKING, MYSQL_SERVER, withLeadersWard } from "./mysql_own.ts";

const METHODS: readonly Method[] = ["auto", "incremental", "clone"];

/** Adds a unit's server to the cluster, on request with a copy of a member's data in place of its own. */
export const mysqlAddInstance = defineAction({
  name: "add-instance",
  side: MYSQL_SERVER,
  needs: ASKING,
  async run(ctx) {
    const wanted = ctx.params.string("method") ?? "auto";
    const method = METHODS.find((each) => each === wanted);
    if (!method) throw new ActionFailed(`method is one of ${METHODS.join(", ")}, not ${JSON.stringify(wanted)}`);
    return await withLeadersWard(ctx, (ward) => bringUnitIn(ctx, ward, addressedUnit(ctx, ward), method));
  },
});
