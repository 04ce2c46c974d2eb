import type { MemberState } from "../../clients/patroni/values.ts";
import type { World } from "../world.ts";

/** What this unit's Patroni says of its PostgreSQL. */
export interface Started {
  readonly started: boolean;
  readonly state: MemberState | "no answer";
}

/** A server that starts serves in a moment: the operators count it too. */
const STARTED: readonly (MemberState | "no answer")[] = ["running", "streaming", "starting"];

/** Have Patroni and PostgreSQL started in the current unit? */
export async function hasMemberStarted({ juju, patroni, note }: World): Promise<Started> {
  const { address } = await juju.self();
  const own = address === undefined ? undefined : await patroni.health(address);
  const state = own?.state ?? "no answer";
  const started = STARTED.includes(state);
  // A change that the leader hears of: it may be waiting to add the next unit.
  if (own?.running) await juju.markRunning(true);
  note("Have Patroni and PostgreSQL started in the current unit?", started ? `yes: ${state}` : `no: ${state}`);
  return { started, state };
}
