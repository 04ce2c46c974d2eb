import { type InstanceRole, isReady, leads } from "../../clients/patroni/values.ts";
import { TEXTS } from "../texts.ts";
import type { World } from "../world.ts";

/** Set Active Status, with the word Primary on the primary; degraded while members are missing. */
export async function setActive({ juju, patroni, note }: World): Promise<void> {
  const { address, member } = await juju.self();
  const own = address === undefined ? undefined : await patroni.health(address);
  const isPrimary = own !== undefined && isPrimaryRole(own.role);
  let text = isPrimary ? TEXTS.primary as string : "";
  if (isPrimary && await juju.isLeader()) {
    // The list may be older than this member's own word, such as after a restart.
    const view = await patroni.cluster();
    const running = view?.members.filter(({ name, state }) =>
      isReady(state) || (name === member && own.running)
    ).length ?? 0;
    if (running < await juju.plannedUnits()) text += TEXTS.degraded;
  }
  juju.setStatus("active", text);
  note("Set Active Status", text || "no message");
}

/**
 * Whether somebody leads the cluster. Without its store Patroni goes on naming the last leader, which has long become a
 * replica: the named one is asked itself. What this unit knows may not be older than a lease either.
 */
export async function hasPrimary({ juju, patroni, note, staleAfterMs }: World): Promise<boolean> {
  const { address } = await juju.self();
  const own = address === undefined ? undefined : await patroni.health(address);
  const named = (await patroni.cluster())?.members.find(({ role }) => leads(role));
  const word = named?.host === undefined ? undefined : await patroni.health(named.host);
  const isPrimary = word !== undefined && word.running && isPrimaryRole(word.role);
  const isStale = own === undefined || (own.stalenessMs ?? 0) > staleAfterMs;
  note("Is there a primary?", isPrimary && !isStale ? `yes: ${named?.name}` : "no");
  return isPrimary && !isStale;
}

function isPrimaryRole(role: InstanceRole): boolean {
  return role === "primary" || role === "standby_leader";
}
