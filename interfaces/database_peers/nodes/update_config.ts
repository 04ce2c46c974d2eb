import type { Applied, World } from "../world.ts";

/** Update Patroni and PostgreSQL config: rendered from databag, secrets and options; Patroni runs and has read it. */
export async function updateConfig(world: World): Promise<Applied> {
  const applied = await world.machine.applyConfig();
  world.note(
    "Update Patroni and PostgreSQL config",
    "why" in applied ? `${applied.kind}: ${applied.why}` : applied.kind,
  );
  return applied;
}
