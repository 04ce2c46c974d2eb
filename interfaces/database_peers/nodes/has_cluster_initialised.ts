import type { World } from "../world.ts";

/** Has cluster initialised? The key is in the application's databag, whatever its value. */
export async function hasClusterInitialised({ juju, note }: World): Promise<boolean> {
  const { initialised } = await juju.application();
  note("Has cluster initialised?", initialised ? "yes" : "no: cluster_initialised is not set");
  return initialised;
}
