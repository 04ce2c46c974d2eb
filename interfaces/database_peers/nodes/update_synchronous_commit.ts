import type { World } from "../world.ts";

/**
 * Turn on/off PostgreSQL synchronous_commit configuration: as many synchronous replicas as the option says for the units
 * that there will be; none for a single one.
 *
 * @returns false when Patroni does not take it
 */
export async function updateSynchronousCommit({ juju, patroni, note }: World): Promise<boolean> {
  const planned = await juju.plannedUnits();
  const taken = await patroni.setSynchronous(planned);
  note("Turn on/off PostgreSQL synchronous_commit configuration", `for ${planned} units${taken ? "" : ": refused"}`);
  return taken;
}
