/**
 * The cluster as actions reach it: through this unit's own member.
 *
 * @module
 */
import { dirname } from "node:path";
import type { ActionContext } from "../hooks/action_context.ts";
import type { InterfaceSide, Needs } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { ClientError } from "../interfaces/clients/errors.ts";
import { type Etcd, openEtcd } from "../interfaces/clients/etcd/client.ts";
import { readClient } from "../interfaces/etcd/server/leaves.ts";
import { openOwnEtcd, type OwnMember, ownMember } from "../interfaces/etcd/server/own.ts";
import { pathsOf } from "../interfaces/etcd/server/place.ts";

/** Charms that run etcd have these actions. */
export const ETCD_SERVER: InterfaceSide = { interface: "etcd", role: "peers" };

/** What it takes to find this unit's member and ask it. */
export const ASKING: Needs = ["read", "net", "run", "sys"];

/** This unit's member and its cluster. */
export interface OwnCluster {
  readonly own: OwnMember;
  /** A client of all members that are known, the own one first. */
  readonly etcd: Etcd;
  /** Opens a client of some members. */
  readonly open: (endpoints: readonly string[]) => Etcd;
}

/**
 * Does something with the cluster; its clients are closed afterwards.
 *
 * @throws {ActionFailed} when this unit has no member yet, or in the words of etcd's client
 */
export async function withCluster<T>(ctx: ActionContext, use: (cluster: OwnCluster) => Promise<T>): Promise<T> {
  const own = await ownMember(ctx);
  if (!own) throw new ActionFailed("etcd does not run on this unit yet; wait until the unit is active");
  try {
    const tls = await readClient(pathsOf(ctx.unit, dirname(own.directory))) ?? {};
    using etcd = await openOwnEtcd(ctx);
    return await use({ own, etcd, open: (endpoints) => openEtcd({ endpoints, tls }) });
  } catch (error) {
    throw error instanceof ClientError ? new ActionFailed(error.message) : error;
  }
}

/**
 * Refuses what only the leader may do.
 *
 * @throws {ActionFailed} on any other unit
 */
export async function leaderOnly(ctx: ActionContext): Promise<void> {
  if (await ctx.isLeader()) return;
  throw new ActionFailed(`only the leader does this; run it on ${ctx.application}/leader`);
}
