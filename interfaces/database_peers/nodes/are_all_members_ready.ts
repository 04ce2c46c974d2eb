import { unreadyMembers } from "../readiness.ts";
import { listed } from "../texts.ts";
import type { World } from "../world.ts";

/**
 * Are all cluster members ready? Every member that Patroni lists runs, one of them leads, and each listed address answers
 * for itself: the list in the store is as old as a lease, so a dead member may still seem to run.
 *
 * @param view asked again where there is none
 * @returns who is not ready and why; empty when all are
 */
export async function areAllMembersReady(world: World, fresh = false): Promise<readonly string[]> {
  const view = await world.patroni.cluster(fresh);
  const unready = view ? unreadyMembers(view) : ["no answer from Patroni"];
  if (view && unready.length === 0) {
    const hosts = view.members.flatMap(({ name, host }) => host === undefined ? [] : [{ name, host }]);
    const answers = await Promise.all(hosts.map(async ({ name, host }) => {
      const own = await world.patroni.health(host);
      return own?.running ? [] : [`${name} (${own ? own.state : "does not answer"})`];
    }));
    unready.push(...answers.flat());
  }
  world.note("Are all cluster members ready?", unready.length === 0 ? "yes" : `no: ${listed(unready)}`);
  return unready;
}
