/**
 * What the leader does when it is elected, and every unit when options or secrets change, and by update-status.
 *
 * @module
 */
import { ClientError } from "../clients/errors.ts";
import { leads } from "../clients/patroni/values.ts";
import { blocked, done, type Outcome } from "../../hooks/outcome.ts";
import { peersChanged } from "./changed.ts";
import { ensureAuthority } from "./identity.ts";
import { scopeOf } from "./names.ts";
import { patchPodLabels } from "./nodes/patch_pod_labels.ts";
import { removeDepartingUnits } from "./nodes/remove_departing_units.ts";
import { updateSynchronousCommit } from "./nodes/update_synchronous_commit.ts";
import type { RealWorld } from "./open_world.ts";
import { ensurePasswords } from "./passwords.ts";
import { TEXTS } from "./texts.ts";

/** leader-elected: passwords if unset, the own address into the list of a fresh cluster, units that are gone out of it. */
export async function leaderElected(world: RealWorld): Promise<Outcome> {
  const { ctx, juju, options, relation } = world;
  if (!await juju.isLeader()) return done;
  const { initialised, members } = await juju.application();
  await ensurePasswords(ctx, relation, initialised);
  if (options.tls) await ensureAuthority(ctx, relation);
  if (initialised) {
    await removeDepartingUnits(world, true);
    await listWhenAlone(world);
    return await peersChanged(world);
  }
  const { address } = await juju.self();
  if (address !== undefined && !members.includes(address)) juju.setMembers([...members, address]);
  return done;
}

/** config-changed and secret-changed: the same way as a changed databag; the leader's part goes to all members. */
export async function settingsChanged(world: RealWorld): Promise<Outcome> {
  const { ctx, juju, options, relation } = world;
  const leads = await juju.isLeader();
  if (leads && options.tls) await ensureAuthority(ctx, relation);
  if (!(await juju.application()).initialised) return done;
  if (leads) await updateSynchronousCommit(world);
  return await peersChanged(world);
}

/** upgrade-charm and pebble-ready: a pod that was made anew has lost its labels. */
export async function podMade(world: RealWorld): Promise<Outcome> {
  if (!(await world.juju.application()).initialised) return done;
  const failure = await patchPodLabels(world, await world.juju.self());
  return failure === undefined ? await settingsChanged(world) : blocked(failure);
}

/** update-status: what nobody told this unit, then the same way as a changed databag. */
export async function updateStatus(world: RealWorld): Promise<Outcome> {
  const { juju } = world;
  if (!(await juju.application()).initialised) return done;
  await reinitializeIfStuck(world);
  if (await juju.isLeader()) {
    await removeDepartingUnits(world, true);
    await updateSynchronousCommit(world);
    await listWhenAlone(world);
  }
  const outcome = await peersChanged(world);
  if (outcome.kind === "deferred") await tellWithoutData(world);
  return outcome;
}

/**
 * After a scale to zero the list has only addresses of units that have gone: a new unit is listed although no member can
 * be asked whether it is ready.
 */
async function listWhenAlone({ juju, patroni }: RealWorld): Promise<void> {
  const self = await juju.self();
  const { members } = await juju.application();
  const known = [self, ...await juju.others()].some(({ address }) =>
    address !== undefined && members.includes(address)
  );
  if (self.address === undefined || known || await patroni.cluster()) return;
  juju.setMembers([...members, self.address]);
}

/** A new cluster in place of one whose data is somewhere else is for an operator to decide on. */
async function tellWithoutData({ application, juju, patroni, place, substrate }: RealWorld): Promise<void> {
  const view = await patroni.cluster();
  const { address } = await juju.self();
  const own = address === undefined ? undefined : await patroni.health(address);
  if (own?.role !== "uninitialized" || !view || view.members.some(({ role }) => leads(role))) return;
  juju.setStatus("blocked", TEXTS.noData(place.data, scopeOf(application, substrate)));
}

/** A member that did run, does not start any more and does not know how far behind it is gets its data anew. */
async function reinitializeIfStuck(world: RealWorld): Promise<void> {
  const { ctx, juju, patroni } = world;
  const { address, member, unit } = await juju.self();
  const own = address === undefined ? undefined : await patroni.health(address);
  if (address === undefined || !own || own.running || !await juju.isMarkedRunning()) return;
  const listed = (await patroni.cluster())?.members.find(({ name }) => name === member);
  const STUCK = ["stopped", "crashed", "start failed", "restart failed"];
  if (listed?.lag !== "unknown" || !STUCK.includes(own.state)) return;
  await juju.markRunning(false);
  ctx.log.warning(`${unit} is ${own.state} and its lag is unknown: its data is copied anew`);
  using client = patroni.open(address);
  try {
    await client.reinitialize();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(error.message);
  }
}
