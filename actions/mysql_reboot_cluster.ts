/**
 * Action `reboot-cluster-from-complete-outage` of charms that run MySQL.
 *
 * @module
 */
import type { ActionContext } from "../hooks/action_context.ts";
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { ClientError } from "../interfaces/clients/errors.ts";
import { createGroup } from "../interfaces/clients/mysql/group.ts";
import { addressText, type Group, readGroup } from "../interfaces/clients/mysql/members.ts";
import { chooseCandidate, type Knowledge, readKnowledge } from "../interfaces/clients/mysql/outage.ts";
import { remember } from "../interfaces/mysql_innodb_cluster/server/memory.ts";
import { bringIn, configure } from "../interfaces/mysql_innodb_cluster/server/moves.ts";
import { type UnitAddress, unitsOf } from "../interfaces/mysql_innodb_cluster/server/own.ts";
import { tellMembers } from "../interfaces/mysql_innodb_cluster/server/tell.ts";
import { TEXT } from "../interfaces/mysql_innodb_cluster/server/texts.ts";
import { openAt, unitAt, type Ward } from "../interfaces/mysql_innodb_cluster/server/ward.ts";
import { ASKING, MYSQL_SERVER, withLeadersWard } from "./mysql_own.ts";
import { statusResults } from "./mysql_status.ts";

/** Milliseconds for connecting and for each statement. */
const WORK_MS = 20_000;
/** Milliseconds for a member to join again. */
const JOIN_MS = 120_000;

/** Starts the cluster again with the member that has the newest data. */
export const mysqlRebootCluster = defineAction({
  name: "reboot-cluster-from-complete-outage",
  side: MYSQL_SERVER,
  needs: ASKING,
  run: (ctx) =>
    withLeadersWard(ctx, async (ward) => {
      const { record } = ward;
      if (record.clustered.length === 0) throw new ActionFailed(TEXT.noCluster);
      const units = unitsOf(ward).filter(({ unit }) => record.clustered.includes(unit));
      const said = new Set(units.map(({ unit }) => unit));
      const answers = await Promise.all(units.map((unit) => ask(ward, unit)));
      const asked = answers.filter((answer) => answer !== undefined);
      const silent = units.filter((_, index) => answers[index] === undefined).map(({ unit }) => unit);
      const unasked = [...silent, ...record.clustered.filter((unit) => !said.has(unit))];
      if (asked.length === 0) throw new ActionFailed(TEXT.unreachable(unasked));
      const candidate = chooseCandidate(asked, unasked, { force: ctx.params.boolean("force") === true });
      await ctx.progress(`starting the cluster with ${unitAt(ward, candidate)}`);
      await using first = await openAt(ward, candidate, WORK_MS);
      const address = { host: candidate.host, port: candidate.port };
      await configure(ward, first, address);
      await createGroup(first);
      const view = await readGroup(first);
      for (const each of asked.filter(({ uuid }) => uuid !== candidate.uuid)) await follow(ctx, ward, each, view);
      const after = await readGroup(first);
      await tellMembers(ward, after);
      remember(ctx, { settled: "" });
      return statusResults(record, after, unitsOf(ward));
    }),
});

/** @returns undefined when the server cannot be asked */
async function ask(ward: Ward, { address }: UnitAddress): Promise<Knowledge | undefined> {
  try {
    await using db = await openAt(ward, address, WORK_MS);
    return await readKnowledge(db, address);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ward.ctx.log.warning(`${addressText(address)}: ${error.message}`);
    return undefined;
  }
}

/** Lets one member rejoin; one that cannot does not keep the others from it. */
async function follow(ctx: ActionContext, ward: Ward, { host, port }: Knowledge, view: Group): Promise<void> {
  const unit = unitAt(ward, { host, port });
  await ctx.progress(TEXT.joining(unit));
  try {
    await using db = await openAt(ward, { host, port }, WORK_MS);
    const obstacle = await bringIn(ward, db, { host, port }, view, { patienceMs: JOIN_MS });
    if (obstacle) await ctx.progress(obstacle.text);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    await ctx.progress(TEXT.cannotJoin(unit, error.message));
  }
}
