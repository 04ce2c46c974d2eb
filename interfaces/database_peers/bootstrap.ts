/**
 * The first member: the leader starts it, and only then may others join.
 *
 * @module
 */
import { blocked, deferred, type Outcome } from "../../hooks/outcome.ts";
import { peersChanged } from "./changed.ts";
import { addUnitToCluster } from "./nodes/add_unit_to_cluster.ts";
import { patchPodLabels } from "./nodes/patch_pod_labels.ts";
import { updateConfig } from "./nodes/update_config.ts";
import { setActive } from "./nodes/set_active.ts";
import { TEXTS } from "./texts.ts";
import type { World } from "./world.ts";

/** Milliseconds that the first member has in one hook. */
const FIRST_MS = 5000;

/**
 * Starts the first member and tells everybody once it leads. When leadership has moved in the meantime, the member of the
 * earlier leader leads: the store lets only one initialise.
 */
export async function startFirstMember(world: World): Promise<Outcome> {
  const { juju, patroni } = world;
  const self = await juju.self();
  if (!await addUnitToCluster(world, self)) return wait(world, TEXTS.noAddress);
  const applied = await updateConfig(world);
  if (applied.kind === "blocked") return blocked(applied.why);
  if (applied.kind === "failed") return wait(world, applied.why);
  const failure = await patchPodLabels(world, self);
  if (failure !== undefined) return blocked(failure);
  if (!await patroni.waitForPrimary(FIRST_MS)) {
    juju.setStatus("maintenance", TEXTS.starting);
    return deferred(TEXTS.starting);
  }
  juju.setInitialised();
  await setActive(world);
  return await peersChanged(world);
}

function wait({ juju }: World, text: string): Outcome {
  juju.setStatus("waiting", text);
  return deferred(text);
}
