/**
 * The cluster as actions of charms that run MySQL reach it.
 *
 * @module
 */
import type { ActionContext } from "../hooks/action_context.ts";
import type { InterfaceSide, Needs } from "../hooks/definition.ts";
import { ActionFailed, ValueError } from "../hooks/errors.ts";
import { ClientError } from "../interfaces/clients/errors.ts";
import type { Group } from "../interfaces/clients/mysql/members.ts";
import type { Address } from "../interfaces/clients/mysql/status.ts";
import { readUntil } from "../interfaces/clients/mysql/wait.ts";
import {
  findUnit,
  openWard,
  type UnitAddress,
  unitsOf,
  viewOfCluster,
} from "../interfaces/mysql_innodb_cluster/server/own.ts";
import { TEXT } from "../interfaces/mysql_innodb_cluster/server/texts.ts";
import { sameAddress, unitAt, type Ward } from "../interfaces/mysql_innodb_cluster/server/ward.ts";

/** Milliseconds until all members know what one of them does. */
const SETTLE_MS = 15_000;

/** Charms that run MySQL have these actions. */
export const MYSQL_SERVER: InterfaceSide = { interface: "mysql-innodb-cluster", role: "peers" };

/** What it takes to find this unit's server and ask it and the others. */
export const ASKING: Needs = ["net", "read", "run", "sys", "write"];

/**
 * Does something with the cluster.
 *
 * @throws {ActionFailed} before the unit is set up, or in the words of what went wrong
 */
export async function withWard<T>(ctx: ActionContext, use: (ward: Ward) => Promise<T>): Promise<T> {
  try {
    return await use(await openWard(ctx));
  } catch (error) {
    if (error instanceof ClientError || error instanceof ValueError) throw new ActionFailed(error.message);
    throw error;
  }
}

/** Does something that only the leader may do, see {@linkcode withWard}. */
export async function withLeadersWard<T>(ctx: ActionContext, use: (ward: Ward) => Promise<T>): Promise<T> {
  if (!await ctx.isLeader()) throw new ActionFailed(TEXT.leaderOnly(ctx.application));
  return await withWard(ctx, use);
}

/**
 * The group, with a majority.
 *
 * @throws {ActionFailed} when there is none, or it has lost its majority
 */
export async function healthyView(ward: Ward): Promise<Group> {
  const view = await viewOfCluster(ward);
  if (!view) throw new ActionFailed(ward.record.clustered.length === 0 ? TEXT.noCluster : TEXT.stopped);
  if (view.quorum) return view;
  const lost = view.members.filter(({ state }) => state === "UNREACHABLE").map((member) => unitAt(ward, member));
  throw new ActionFailed(TEXT.noQuorum(lost));
}

/** Reads the group until it lists members as online: one knows it of itself before the others do. */
export function viewWith(read: () => Promise<Group>, wanted: readonly Address[]): Promise<Group> {
  const isThere = ({ members }: Group) => (each: Address) =>
    members.some((member) => member.state === "ONLINE" && sameAddress(member, each));
  return readUntil(read, (group) => wanted.every(isThere(group)), SETTLE_MS);
}

/** The unit that the parameter `address` means. @throws {ActionFailed} when it is none of this application */
export function addressedUnit(ctx: ActionContext, ward: Ward): UnitAddress {
  try {
    return findUnit(unitsOf(ward), ctx.params.string("address") ?? "");
  } catch (error) {
    if (error instanceof ValueError) throw new ActionFailed(error.message);
    throw error;
  }
}
