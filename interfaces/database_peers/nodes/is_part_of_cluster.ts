import type { World } from "../world.ts";

/** Is current unit part of the cluster? Its address is in the list; Patroni is not asked. */
export async function isPartOfCluster({ juju, note }: World): Promise<boolean> {
  const { address } = await juju.self();
  const { members } = await juju.application();
  const isPart = address !== undefined && members.includes(address);
  note("Is current unit part of the cluster?", isPart ? "yes" : `no: ${address ?? "it has no address"} is not listed`);
  return isPart;
}
