import { unitNumber } from "../../../hooks/session.ts";
import type { ClusterView } from "../../clients/patroni/values.ts";
import { memberNames } from "../readiness.ts";
import type { Peer, World } from "../world.ts";

/** The answer: `missing` are the units to add, by number. */
export interface OnCluster {
  readonly all: boolean;
  readonly missing: readonly Peer[];
}

/**
 * Are all the units part of the cluster? The members that Patroni lists are exactly the units of the relation, and each
 * has its address in the list. With more members than units the answer is no, and nobody is missing.
 */
export async function areAllUnitsOnCluster(world: World, view: ClusterView): Promise<OnCluster> {
  const units = [await world.juju.self(), ...await world.juju.others()];
  const { members } = await world.juju.application();
  const known = memberNames(view);
  const missing = units.filter(({ member, address }) =>
    !known.has(member) || (address !== undefined && !members.includes(address))
  ).sort((a, b) => unitNumber(a.unit) - unitNumber(b.unit));
  const extra = [...known].filter((name) => !units.some(({ member }) => member === name));
  const all = missing.length === 0 && extra.length === 0;
  const why = [...missing.map(({ unit }) => `${unit} is missing`), ...extra.map((name) => `${name} is no unit`)];
  world.note("Are all the units part of the cluster?", all ? "yes" : `no: ${why.join(", ")}`);
  return { all, missing };
}
