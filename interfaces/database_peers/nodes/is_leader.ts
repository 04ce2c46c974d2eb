import type { World } from "../world.ts";

/** Is current unit leader? In Juju's terms: whoever leads in Patroni does not matter. */
export async function isLeader({ juju, note }: World): Promise<boolean> {
  const leads = await juju.isLeader();
  note("Is current unit leader?", leads ? "yes" : "no");
  return leads;
}

/** Is leader and is not departing? The unit that goes leaves the cleaning to the others. */
export async function isLeaderAndNotDeparting(world: World, departing: string): Promise<boolean> {
  const { unit } = await world.juju.self();
  const leads = departing !== unit && await world.juju.isLeader();
  const why = departing === unit ? "no: this unit is departing" : leads ? "yes" : "no: it does not lead";
  world.note("Is leader and is not departing?", why);
  return leads;
}
