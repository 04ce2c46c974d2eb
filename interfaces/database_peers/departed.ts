/**
 * The hook peer-relation-departed, node by node as its flowchart has them.
 *
 * @module
 */
import { type Deferred, deferred, done, type Outcome } from "../../hooks/outcome.ts";
import { hasClusterInitialised } from "./nodes/has_cluster_initialised.ts";
import { isLeaderAndNotDeparting } from "./nodes/is_leader.ts";
import { removeDepartingUnits } from "./nodes/remove_departing_units.ts";
import { updateReadOnlyEndpoint } from "./nodes/update_read_only_endpoint.ts";
import { updateSynchronousCommit } from "./nodes/update_synchronous_commit.ts";
import { listed, TEXTS } from "./texts.ts";
import type { World } from "./world.ts";

/**
 * Handles peer-relation-departed. The numbers are the rows of the decision table.
 *
 * @param departing the unit that goes, which may be this one
 */
export async function peersDeparted(world: World, departing: string | undefined): Promise<Outcome> {
  if (departing === undefined) return done; // 3
  if (!await isRaftPartnerRemoved(world, departing)) return defer(world, TEXTS.raftPartner(departing)); // 4
  if (!await isLeaderAndNotDeparting(world, departing)) return done; // 1, 2, 5
  if (!await hasClusterInitialised(world)) { // 6
    return defer(world, TEXTS.notInitialised(world.since));
  }
  await updateReadOnlyEndpoint(world); // 7
  const removal = await removeDepartingUnits(world); // 7, 8
  if (removal.kind === "unready") {
    return defer(world, TEXTS.unready({ whom: listed(removal.members), since: world.since }));
  }
  if (removal.kind === "no primary") {
    world.juju.setStatus("waiting", TEXTS.noPrimary);
    return done;
  }
  return await updateSynchronousCommit(world) ? done : defer(world, TEXTS.synchronousRefused); // 9
}

/** Only where Patroni keeps its data in Raft, and every unit that stays does it: the others hold votes. */
async function isRaftPartnerRemoved({ juju, machine, note }: World, departing: string): Promise<boolean> {
  if (departing === (await juju.self()).unit) return true;
  const address = await juju.addressOf(departing);
  if (address === undefined) return true;
  const removed = await machine.removeRaftPartner(address);
  if (!removed) note("Remove the departing member's Raft partner", `${departing}: failed`);
  return removed;
}

function defer({ note }: World, reason: string): Deferred {
  note("defer", reason);
  return deferred(reason);
}
