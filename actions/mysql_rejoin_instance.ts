/**
 * Action `rejoin-instance` of charms that run MySQL.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { bringUnitIn } from "./mysql_bring_in.ts";
import { addressedUnit, ASKING, MYSQL_SERVER, withLeadersWard } from "./mysql_own.ts";

/** Brings a unit's server back. */
export const mysqlRejoinInstance = defineAction({
  name: "rejoin-instance",
  side: MYSQL_SERVER,
  needs: ASKING,
  run: (ctx) => withLeadersWard(ctx, (ward) => bringUnitIn(ctx, ward, addressedUnit(ctx, ward), "auto")),
});
