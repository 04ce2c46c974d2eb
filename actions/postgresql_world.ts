/**
 * What PostgreSQL's actions share.
 *
 * @module
 */
import type { ActionContext } from "../hooks/action_context.ts";
import { ActionFailed } from "../hooks/errors.ts";
import type { Needs } from "../hooks/definition.ts";
import { ClientError } from "../interfaces/clients/errors.ts";
import { type ClusterMember, type ClusterView, leads } from "../interfaces/clients/patroni/values.ts";
import { UNLIMITED } from "../interfaces/database_peers/budget.ts";
import { unitOf } from "../interfaces/database_peers/names.ts";
import { openWorld, type RealWorld } from "../interfaces/database_peers/open_world.ts";

/** The charms that have these actions. */
export const SIDE = { interface: "postgresql_peers", role: "peers" } as const;

/** What it takes to ask the members. */
export const ASKING: Needs = ["read", "net"];

/**
 * The world of a cluster that has been formed.
 *
 * @throws {ActionFailed} when it has not
 */
export async function worldOf(ctx: ActionContext): Promise<RealWorld> {
  const world = await openWorld(ctx, { changes: false, budget: UNLIMITED });
  if (!world || !(await world.juju.application()).initialised) {
    throw new ActionFailed("the cluster is not initialised yet: wait until the unit is active");
  }
  return world;
}

/** @throws {ActionFailed} when no member answers */
export async function viewOf(world: RealWorld): Promise<ClusterView> {
  const view = await world.patroni.cluster();
  if (!view) throw new ActionFailed("no member answers: look at the units' statuses and at Patroni's logs");
  return view;
}

/** @throws {ActionFailed} when nobody leads */
export function leaderOf(view: ClusterView): ClusterMember {
  const leader = view.members.find(({ role }) => leads(role));
  if (!leader) throw new ActionFailed("the cluster has no primary now: try again in a minute");
  return leader;
}

/** Runs a request of an action; what a server refuses is told to who runs it. */
export async function asked<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (error instanceof ClientError) throw new ActionFailed(error.message);
    throw error;
  }
}

/** A member as results show it. */
export function describeMember({ name, role, state, host, timeline, lag, pendingRestart }: ClusterMember) {
  return { unit: unitOf(name), role, state, host, timeline, lag, "pending-restart": pendingRestart };
}
