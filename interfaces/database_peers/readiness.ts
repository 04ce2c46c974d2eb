/**
 * What Patroni's list of members says, without asking anybody.
 *
 * @module
 */
import { type ClusterView, isReady, leads } from "../clients/patroni/values.ts";

/** Names of all members that Patroni lists. */
export function memberNames(view: ClusterView): ReadonlySet<string> {
  return new Set(view.members.map(({ name }) => name));
}

/** Who is not ready, with the state; nobody leading counts too. Empty when all are ready. */
export function unreadyMembers(view: ClusterView): string[] {
  const waiting = view.members.filter(({ state }) => !isReady(state)).map(({ name, state }) => `${name} (${state})`);
  if (waiting.length === 0 && !view.members.some(({ role }) => leads(role))) return ["nobody leads"];
  return waiting;
}
