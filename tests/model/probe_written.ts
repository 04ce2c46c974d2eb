/**
 * What the charm `probe` can have written, for tests that compare it.
 *
 * @module
 */
import type { Model, WorldState } from "./mod.ts";

/** What a hook of unit 0 could have changed, without what Juju itself writes. */
export function written(world: WorldState): unknown {
  const unit = world.units["probe/0"];
  const relation = Object.values(world.relations)[0];
  const { mark, seen, announced, largest } = relation?.unitBags["probe/0"] ?? {};
  return {
    bag: { mark, seen, announced, largest },
    app: relation?.appBags.probe,
    state: unit?.state,
    ports: unit?.ports,
    version: world.applications.probe?.version,
    secrets: Object.keys(world.secrets),
  };
}

/** Sets the mode and lets probe/0 run config-changed once, without Juju's retries. */
export async function tryMode(model: Model, mode: string): Promise<{ lines: string[]; outcome: string }> {
  model.setConfig("probe", { mode });
  await model.settle().catch(() => {});
  const entry = model.timeline.findLast(({ unit, name }) => unit === "probe/0" && name === "config-changed");
  const lines = model.log("probe/0").filter(({ level }) => level === "WARNING").map(({ message }) => message);
  return { lines, outcome: entry?.outcome ?? "none" };
}
