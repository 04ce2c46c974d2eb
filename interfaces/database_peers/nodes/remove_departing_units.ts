import { isReady } from "../../clients/patroni/values.ts";
import { podAddress, unitOf } from "../names.ts";
import { memberNames } from "../readiness.ts";
import type { World } from "../world.ts";
import { areAllMembersReady } from "./are_all_members_ready.ts";
import { updateConfig } from "./update_config.ts";
import { updateReadOnlyEndpoint } from "./update_read_only_endpoint.ts";

/** What became of the removal. */
export type Removal =
  | { readonly kind: "done" }
  /** Members that are not ready. */
  | { readonly kind: "unready"; readonly members: readonly string[] }
  | { readonly kind: "no primary" };

/**
 * Remove departing units from the cluster: addresses of units that are no longer in the relation leave the list. On
 * Kubernetes all at once; on machines one at a time, each only while all members are ready.
 *
 * @param onlyDead leaves addresses that Patroni still lists: for hooks in which this unit may not know all others yet
 */
export async function removeDepartingUnits(world: World, onlyDead = false): Promise<Removal> {
  const { application, juju } = world;
  const staying = [await juju.self(), ...await juju.others()];
  const addresses = new Set(staying.map(({ address }) => address));
  const { members } = await juju.application();
  const alive = onlyDead ? (await world.patroni.cluster())?.members : [];
  if (!alive) return { kind: "done" };
  const isAlive = (address: string) =>
    alive.some(({ host, name }) => host === address || podAddress(application, unitOf(name)) === address);
  const gone = members.filter((address) => !addresses.has(address) && !isAlive(address));
  if (gone.length === 0) world.note("Remove departing units from the cluster", "nobody: the list has units only");
  await forgetDeadMembers(world);
  if (world.substrate === "kubernetes") {
    if (gone.length > 0) drop(world, members, gone);
    return { kind: "done" };
  }
  let left = members;
  for (const address of gone) {
    const unready = await areAllMembersReady(world, true);
    if (unready.length > 0) return { kind: "unready", members: unready };
    left = drop(world, left, [address]);
    await updateConfig(world);
    await updateReadOnlyEndpoint(world);
    if (!(await world.patroni.cluster())?.members.some(({ role }) => role === "leader" || role === "standby_leader")) {
      return { kind: "no primary" };
    }
  }
  return { kind: "done" };
}

/** Entries of members whose unit is gone and that do not run go at once: else they count as not ready until a lease ends. */
export async function forgetDeadMembers(world: World): Promise<void> {
  const view = await world.patroni.cluster();
  if (!view) return;
  const units = new Set([await world.juju.self(), ...await world.juju.others()].map(({ member }) => member));
  const dead = [...memberNames(view)].filter((name) =>
    !units.has(name) && view.members.every((member) => member.name !== name || !isReady(member.state))
  );
  for (const name of dead) {
    world.note("Remove departing units from the cluster", `${name} has stopped: its entry is deleted`);
    await world.machine.forgetMember(name);
  }
}

function drop(world: World, members: readonly string[], gone: readonly string[]): readonly string[] {
  world.note("Remove departing units from the cluster", gone.join(", "));
  const left = members.filter((address) => !gone.includes(address));
  world.juju.setMembers(left);
  return left;
}
