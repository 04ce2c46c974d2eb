/**
 * Action `reboot-cluster-from-complete-outage` of charms that run MySQL.
 *
 * @module
 */
import type { ActionContext } from "../hooks/action_context.ts";
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { ClientError } from "../interfaces/clients/errors.ts";
import { stopMember } from "../interfaces/clients/mysql/group.ts";
import { addressText, type Group, readGroup } from "../interfaces/clients/mysql/members.ts";
import { chooseCandidate, type Knowledge, readKnowledge } from "../interfaces/clients/mysql/outage.ts";
import { remember } from "../interfaces/mysql_innodb_cluster/server/memory.ts";
import { bringIn, configure } from "../interfaces/mysql_innodb_cluster/server/moves.ts";
import { type UnitAddress, unitsOf } from "../interfaces/mysql_innodb_cluster/server/own.ts";
import { tellMembers } from "../interfaces/mysql_innodb_cluster/server/tell.ts";
import { startCluster } from "../interfaces/mysql_innodb_cluster/server/set_access.ts";
import { readHold } from "../interfaces/mysql_innodb_cluster/server/set_keys.ts";
import { TEXT } from "../interfaces/mysql_innodb_cluster/server/texts.ts";
import { openAt, unitAt, type Ward } from "../interfaces/mysql_innodb_cluster/server/ward.ts";
import { ASKING, MYSQL_SERVER, viewWith, withLeadersWard } from "./mysql_own.ts";
import { statusResults } from "./mysql_status.ts";

/** Milliseconds for connecting and for each statement. */
const WORK_MS = 20_000;
/** Milliseconds for a member to join again. */
const JOIN_MS = 120_000;
const PAUSE_MS = 1000;

/** What a server knows, and whether it is in a group that has lost its majority. */
interface Answer extends Knowledge {
  readonly isStranded: boolean;
}

/** Starts the cluster again with the member that has the newest data. */
export const mysqlRebootCluster = defineAction({
  name: "reboot-cluster-from-complete-outage",
  side: MYSQL_SERVER,
  needs: ASKING,
  run: (ctx) =>
    withLeadersWard(ctx, async (ward) => {
      const { record } = ward;
      if (record.clustered.length === 0) throw new ActionFailed(TEXT.noCluster);
      if (await readHold(ctx, ward.peers) === "held") throw new ActionFailed(TEXT.heldFromStart);
      const force = ctx.params.boolean("force") === true;
      let { asked, unasked } = await askAll(ward);
      let candidate = chooseCandidate(asked, unasked, { force });
      const stranded = asked.filter(({ isStranded }) => isStranded);
      if (stranded.length > 0) {
        for (const each of stranded) await stopStranded(ctx, ward, each);
        // What they were in the midst of has come to an end, one way or the other.
        ({ asked, unasked } = await askAll(ward));
        candidate = chooseCandidate(asked, unasked, { force });
      }
      await ctx.progress(`starting the cluster with ${unitAt(ward, candidate)}`);
      await using first = await openAt(ward, candidate, WORK_MS);
      const address = { host: candidate.host, port: candidate.port };
      await configure(ward, first, address);
      const closed = await startCluster(ward, first);
      if (closed) await ctx.progress(TEXT.startedClosed(closed));
      const view = await readGroup(first);
      const joined = [candidate];
      for (const each of asked.filter(({ uuid }) => uuid !== candidate.uuid)) {
        if (await follow(ctx, ward, each, view)) joined.push(each);
      }
      const after = await viewWith(() => readGroup(first), joined);
      await tellMembers(ward, after);
      remember(ctx, { settled: "" });
      return statusResults(record, after, unitsOf(ward));
    }),
});

/** Asks the servers of all units that belong to the cluster. @throws {ActionFailed} when none answers */
async function askAll(ward: Ward): Promise<{ asked: readonly Answer[]; unasked: readonly string[] }> {
  const { record } = ward;
  const units = unitsOf(ward).filter(({ unit }) => record.clustered.includes(unit));
  const said = new Set(units.map(({ unit }) => unit));
  const answers = await Promise.all(units.map((unit) => ask(ward, unit)));
  const silent = units.filter((_, index) => answers[index] === undefined).map(({ unit }) => unit);
  const unasked = [...silent, ...record.clustered.filter((unit) => !said.has(unit))];
  const asked = answers.filter((answer) => answer !== undefined);
  if (asked.length === 0) throw new ActionFailed(TEXT.unreachable(unasked));
  return { asked, unasked };
}

/** @returns undefined when the server cannot be asked */
async function ask(ward: Ward, { address }: UnitAddress): Promise<Answer | undefined> {
  try {
    await using db = await openAt(ward, address, WORK_MS);
    const knowledge = await readKnowledge(db, address);
    const isIn = knowledge.state === "ONLINE" || knowledge.state === "RECOVERING";
    const isStranded = isIn && !(await readGroup(db)).quorum;
    // Nothing can be done in such a group any more: it counts as stopped.
    return { ...knowledge, isStranded, state: isStranded ? "OFFLINE" : knowledge.state };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ward.ctx.log.warning(`${addressText(address)}: ${error.message}`);
    return undefined;
  }
}

async function stopStranded(ctx: ActionContext, ward: Ward, { host, port }: Answer): Promise<void> {
  await ctx.progress(`stopping ${unitAt(ward, { host, port })}, which has no majority`);
  await using db = await openAt(ward, { host, port }, WORK_MS);
  await stopMember(db);
}

/**
 * Lets one member rejoin; one that cannot does not keep the others from it.
 *
 * @returns whether it is online
 */
async function follow(ctx: ActionContext, ward: Ward, { host, port }: Knowledge, view: Group): Promise<boolean> {
  const unit = unitAt(ward, { host, port });
  await ctx.progress(TEXT.joining(unit));
  for (const end = Date.now() + JOIN_MS;; await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))) {
    try {
      await using db = await openAt(ward, { host, port }, WORK_MS);
      const obstacle = await bringIn(ward, db, { host, port }, view, { patienceMs: JOIN_MS });
      if (!obstacle) return true;
      await ctx.progress(obstacle.text);
      if (obstacle.level === "blocked") return false;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      await ctx.progress(TEXT.cannotJoin(unit, error.message));
    }
    if (Date.now() > end) return false;
  }
}
