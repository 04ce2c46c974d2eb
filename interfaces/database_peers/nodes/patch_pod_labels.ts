import { TEXTS } from "../texts.ts";
import type { Peer, World } from "../world.ts";

/**
 * Patch pod labels of the new cluster member: only so Patroni sees it on Kubernetes. On a machine there is nothing to do.
 *
 * @returns what the operator is told when it failed
 */
export async function patchPodLabels(world: World, { member }: Peer): Promise<string | undefined> {
  if (world.substrate !== "kubernetes") return undefined;
  const failure = await world.machine.labelPod(member);
  world.note("Patch pod labels of the new cluster member", failure === undefined ? member : `${member}: ${failure}`);
  return failure === undefined ? undefined : TEXTS.labels(failure);
}
