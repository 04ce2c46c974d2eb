/**
 * The hook peer-relation-changed, node by node as its flowchart has them.
 *
 * @module
 */
import { blocked, type Deferred, deferred, done, type Outcome } from "../../hooks/outcome.ts";
import { addUnitToCluster } from "./nodes/add_unit_to_cluster.ts";
import { areAllMembersReady } from "./nodes/are_all_members_ready.ts";
import { areAllUnitsOnCluster } from "./nodes/are_all_units_on_cluster.ts";
import { hasClusterInitialised } from "./nodes/has_cluster_initialised.ts";
import { hasMemberStarted } from "./nodes/has_member_started.ts";
import { isLeader } from "./nodes/is_leader.ts";
import { isPartOfCluster } from "./nodes/is_part_of_cluster.ts";
import { patchPodLabels } from "./nodes/patch_pod_labels.ts";
import { restartPostgresqlIfTlsSwitched } from "./nodes/restart_postgresql.ts";
import { hasPrimary, setActive } from "./nodes/set_active.ts";
import { updateConfig } from "./nodes/update_config.ts";
import { updateReadOnlyEndpoint } from "./nodes/update_read_only_endpoint.ts";
import { updateSynchronousCommit } from "./nodes/update_synchronous_commit.ts";
import { listed, TEXTS } from "./texts.ts";
import type { World } from "./world.ts";

/** Handles peer-relation-changed. The numbers are the rows of the decision table. */
export async function peersChanged(world: World): Promise<Outcome> {
  if (!await hasClusterInitialised(world)) return waitForFirstMember(world); // 1
  // The one deferral that does not stop: the rest still runs for this unit. A later one takes its place.
  const adding = await isLeader(world) ? await addMissingUnits(world) : done; // 2 to 5
  if (adding.kind === "blocked") return adding;
  if (!await isPartOfCluster(world)) return adding; // 6
  const applied = await updateConfig(world); // 7
  if (applied.kind === "blocked") return blocked(applied.why);
  if (applied.kind === "failed") return stop(world, adding, TEXTS.notApplied(applied.why));
  await restartPostgresqlIfTlsSwitched(world); // 8
  const { started, state } = await hasMemberStarted(world);
  if (!started) return collapse(adding, await waitForOwnMember(world, state)); // 9
  if (await isLeader(world) && !await hasPrimary(world)) { // 10
    world.juju.setStatus("waiting", TEXTS.noPrimary);
    return adding;
  }
  await updateReadOnlyEndpoint(world); // 11
  await setActive(world);
  return adding;
}

/** Rows 2 to 5: the loop of the flowchart. One copy of the data at a time; units in the order of their numbers. */
async function addMissingUnits(world: World): Promise<Outcome> {
  const view = await world.patroni.cluster();
  if (!view) return defer(world, TEXTS.noCluster);
  const { all, missing } = await areAllUnitsOnCluster(world, view);
  if (all) return done;
  for (const [index, peer] of missing.entries()) {
    const unready = await areAllMembersReady(world, index > 0);
    if (unready.length > 0) return deferUnready(world, unready);
    world.juju.setStatus("maintenance", TEXTS.reconfiguring);
    if (!await addUnitToCluster(world, peer)) continue;
    const failure = await patchPodLabels(world, peer);
    if (failure !== undefined) return blocked(failure);
  }
  if (missing.length === 0) {
    const unready = await areAllMembersReady(world);
    return unready.length > 0 ? deferUnready(world, unready) : done;
  }
  return await updateSynchronousCommit(world) ? done : defer(world, TEXTS.synchronousRefused);
}

function waitForFirstMember(world: World): Deferred {
  const text = TEXTS.notInitialised(world.since);
  world.juju.setStatus("waiting", text);
  return defer(world, text);
}

async function waitForOwnMember(world: World, state: string): Promise<Deferred> {
  const { unit } = await world.juju.self();
  const text = TEXTS.memberStart({ whom: `${unit} (${state})`, since: world.since });
  world.juju.setStatus("waiting", text);
  return defer(world, text);
}

/** Other members copy or start: this unit's own status stays. */
function deferUnready(world: World, unready: readonly string[]): Deferred {
  return defer(world, TEXTS.unready({ whom: listed(unready), since: world.since }));
}

function stop(world: World, outcome: Outcome, text: string): Outcome {
  world.juju.setStatus("maintenance", text);
  return outcome;
}

function defer({ note }: World, reason: string): Deferred {
  note("defer", reason);
  return deferred(reason);
}

/** Two deferrals of one event are one: both reasons, one entry. */
function collapse(first: Outcome, second: Deferred): Deferred {
  return first.kind === "deferred" ? deferred(`${first.reason}; ${second.reason}`) : second;
}
