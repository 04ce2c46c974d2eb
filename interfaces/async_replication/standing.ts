/**
 * What this interface has to say about the unit whenever the charm reports its status anew.
 *
 * @module
 */
import type { StatusLevel } from "../../hooks/status.ts";
import { PEER_APP } from "./keys.ts";
import { primaryState, replicaState } from "./relation_state.ts";
import { relationsOf, type Replication, type Role, roleOf } from "./replication.ts";
import { isPrimaryIdle, type State } from "./states.ts";
import { recoveringText, TEXT } from "./texts.ts";

/** A status. */
export type Report = readonly [level: StatusLevel, message: string];

/** A unit's and its application's status; undefined: nothing to say. */
export interface Standing {
  readonly unit: Report | undefined;
  readonly application: Report | undefined;
}

const NOTHING: Standing = { unit: undefined, application: undefined };

/** What decides where no relation is left. */
export interface AloneFacts {
  readonly role: Role["cluster"];
  /** The application keeps that it was removed from its cluster set. */
  readonly removed: boolean;
}

/** A cluster without relation. */
export function standingAlone({ role, removed }: AloneFacts): Standing {
  if (role === "primary") return NOTHING;
  if (removed) return { unit: ["blocked", TEXT.standalone], application: ["blocked", TEXT.recreateOrRejoin] };
  return role === "replica" ? { unit: ["blocked", TEXT.notDissolved], application: undefined } : NOTHING;
}

/** A replica cluster, by its relation's state. */
export function standingOfReplica(state: State): Standing {
  const settingUp: Report = ["maintenance", TEXT.settingUp];
  switch (state) {
    case "failed":
      return { unit: ["blocked", TEXT.userDataUnit], application: ["blocked", TEXT.userDataApplication] };
    case "syncing":
      return { unit: ["waiting", TEXT.awaitingSync], application: settingUp };
    case "initializing":
      return { unit: ["waiting", TEXT.awaitingPrimary], application: settingUp };
    case "recovery":
      return {
        unit: ["waiting", TEXT.recoveringMembers],
        application: ["maintenance", TEXT.recoveringReplica],
      };
    default:
      return NOTHING;
  }
}

/**
 * Reports how this side's part of the unit does, in place of all that it reported before. Asks the server.
 *
 * @param side of the endpoint whose module runs
 */
export async function reportStanding(at: Replication, side: "primary" | "replica"): Promise<void> {
  const { unit, application } = await (side === "primary" ? primaryStanding(at) : replicaStanding(at));
  at.ctx.status.clear();
  if (unit) at.ctx.status.set(...unit);
  if (application) at.ctx.status.setApplication(...application);
  // Juju keeps what was set: an application that had something to say is well again only when that is said.
  else if (!unit && await at.ctx.isLeader() && await at.peer.unitInitialized()) at.ctx.status.setApplication("active");
}

async function replicaStanding(at: Replication): Promise<Standing> {
  const [relation] = await relationsOf(at.ctx, "requires");
  if (!relation) {
    // One that offered itself and was overtaken by a replica is no cluster that somebody forgot to dissolve.
    if ((await relationsOf(at.ctx, "provides")).length > 0) return NOTHING;
    const removed = (await at.peer.app())[PEER_APP.removed] === "true";
    return standingAlone({ role: (await roleOf(at)).cluster, removed });
  }
  return await at.ctx.isLeader() ? standingOfReplica(await replicaState(at, relation)) : NOTHING;
}

/** The first relation that waits for something speaks for all. */
async function primaryStanding(at: Replication): Promise<Standing> {
  if (!await at.ctx.isLeader()) return NOTHING;
  // A cluster that was made anew to return to its set is closed until it gets there.
  const isPassing = await at.peer.isPassing();
  if (!isPassing && await at.server.isClusterReplica() === false && await at.server.isClusterWritesFenced()) {
    return { unit: ["blocked", TEXT.isFenced], application: undefined };
  }
  for (const relation of await relationsOf(at.ctx, "provides")) {
    const { state, status } = await primaryState(at, relation);
    if (state === "failed") {
      return { unit: ["blocked", TEXT.unrelate(relation.endpoint.name)], application: undefined };
    }
    if (isPrimaryIdle(state)) continue;
    const application: Report = ["maintenance", TEXT.settingUp];
    if (state !== "recovery") return { unit: undefined, application };
    // A hook of the relation says with the original that it recovers, which a new one does.
    const text = status === "ok_not_replicating" ? TEXT.notFollowing : recoveringText(status);
    return { unit: ["maintenance", text], application };
  }
  return NOTHING;
}
