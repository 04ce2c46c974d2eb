/**
 * The model in which hooks are measured: one unit related to an application of any number of units.
 *
 * @module
 */
import type { CharmMetadata, Endpoint } from "../../hooks/charm/metadata.ts";
import type { Hook } from "../model/local_state.ts";
import type { WorldState } from "../model/state.ts";
import { addApplication, addRelation, addUnit, createWorld, enterRelations } from "../model/world.ts";

/** The unit whose hooks run. */
export const UNIT = "bench/0";

/** metadata.yaml of the charm that is measured. */
export const METADATA = `name: bench
summary: Is measured.
description: Reads the databags of all remote units and writes one key.
requires:
  source:
    interface: bench
`;

const SOURCE: Endpoint = { name: "source", role: "requires", interface: "bench", scope: "global" };
const OFFER: Endpoint = { name: "offer", role: "provides", interface: "bench", scope: "global" };

/**
 * Makes the model. Each remote databag has the addresses that Juju puts there and a `version`.
 *
 * @param remoteUnits how many units there are on the other side, at least 1
 * @param published what each of them has published
 */
export function benchWorld(
  remoteUnits: number,
  published: Readonly<Record<string, string>> = { version: "1" },
): WorldState {
  const world = createWorld("3.6.8");
  const here = addApplication(world, application("bench", SOURCE));
  const there = addApplication(world, application("remote", OFFER));
  const relation = addRelation(world, [{ app: "bench", endpoint: SOURCE }, { app: "remote", endpoint: OFFER }]);
  enterRelations(world, addUnit(world, here, { machine: "0", address: "10.0.0.1", storageRoot: "/" }));
  for (let number = 0; number < remoteUnits; number++) {
    const place = { machine: String(number + 1), address: `10.1.0.${number + 1}`, storageRoot: "/" };
    const unit = addUnit(world, there, place);
    enterRelations(world, unit);
    relation.unitBags[unit.name] = { ...relation.unitBags[unit.name], ...published };
  }
  return world;
}

/**
 * Lets the first remote unit publish a version: a charm that compares finds something new in every run.
 *
 * @param version never the same twice
 * @returns what the hook then writes: how many units there are, and the sum of their versions
 */
export function publish(world: WorldState, version: number): string {
  const bags = Object.values(world.relations)[0]?.unitBags ?? {};
  const first = bags["remote/0"];
  if (first) first.version = String(version);
  const versions = Object.entries(bags).filter(([unit]) => unit !== UNIT).map(([, bag]) => Number(bag.version));
  return `${versions.length} ${versions.reduce((sum, one) => sum + one, 0)}`;
}

/** The hook that reads everything: the first remote unit has changed. */
export function changedHook(world: WorldState): Hook & { readonly kind: "relation-changed" } {
  const [relation] = Object.values(world.relations);
  if (!relation) throw new RangeError("the model has no relation: make it with benchWorld");
  return {
    kind: "relation-changed",
    name: `${SOURCE.name}-relation-changed`,
    relationId: relation.id,
    remoteUnit: "remote/0",
    remoteApp: "remote",
    version: 2,
  };
}

function application(name: string, endpoint: Endpoint) {
  const charm: CharmMetadata = {
    name,
    summary: "",
    subordinate: false,
    endpoints: [endpoint],
    storages: [],
    containers: [],
    config: {},
    actions: {},
  };
  return { name, charm, charmSource: "", config: {}, model: "default" };
}

/** What units of etcd publish. */
export const ETCD_OFFER: Readonly<Record<string, string>> = {
  connection_string: "https://10.1.0.1:2379,https://10.1.0.2:2379,https://10.1.0.3:2379",
  version: "3.4.23",
  client_cert: "certificate",
  client_key: "key",
  client_ca: "authority",
};
