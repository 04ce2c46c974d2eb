import type { Peer, World } from "../world.ts";

/**
 * Add unit to cluster: its address goes into the list, once. That is a permission: the unit starts its own Patroni when
 * it finds itself there.
 *
 * @returns false when the unit has published no address yet
 */
export async function addUnitToCluster({ juju, note }: World, { unit, address }: Peer): Promise<boolean> {
  if (address === undefined) {
    note("Add unit to cluster", `${unit} has no address yet`);
    return false;
  }
  const { members } = await juju.application();
  if (!members.includes(address)) juju.setMembers([...members, address]);
  note("Add unit to cluster", `${unit} with ${address}${members.includes(address) ? ", which is listed already" : ""}`);
  return true;
}
