import { isReady, leads } from "../../clients/patroni/values.ts";
import type { World } from "../world.ts";

/**
 * Update the read-only endpoint in the database relation: where the replicas are, or the primary where there is none.
 * The leader does it. Without a view of the cluster clients keep what they have been told.
 */
export async function updateReadOnlyEndpoint(world: World): Promise<void> {
  const { application, juju, note, port, substrate } = world;
  if (!await juju.isLeader()) return;
  const endpoints = substrate === "kubernetes" ? `${application}-replicas:${port}` : await replicas(world);
  note("Update the read-only endpoint in the database relation", endpoints ?? "unknown: left as it is");
  if (endpoints !== undefined) await juju.publishReadOnly(endpoints);
}

/** Sorted, with commas between; members whose unit is gone are left out. */
async function replicas({ juju, patroni, port }: World): Promise<string | undefined> {
  const view = await patroni.cluster();
  const units = new Set([await juju.self(), ...await juju.others()].map(({ member }) => member));
  const usable = (view?.members ?? []).flatMap(({ name, state, role, host }) =>
    units.has(name) && isReady(state) && host !== undefined ? [{ role, host }] : []
  );
  const copies = usable.filter(({ role }) => !leads(role));
  const chosen = copies.length > 0 ? copies : usable;
  if (chosen.length === 0) return undefined;
  return chosen.map(({ host }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).sort().join(",");
}
