/**
 * The model in which hooks of the magpie charm are measured: all units have loopback addresses, so that pings are real
 * and no network is needed.
 *
 * @module
 */
import { join } from "node:path";
import { projectDir } from "../../build/project.ts";
import { loadCharm } from "../../hooks/charm/load.ts";
import type { Hook } from "../model/local_state.ts";
import type { WorldState } from "../model/state.ts";
import { addApplication, addUnit, createWorld, enterRelations } from "../model/world.ts";
import { UNIT } from "./world.ts";

/** The charm's folder. */
export const MAGPIE = join(projectDir, "tests/charms/magpie");

const NOTHING = { check_dns: false, check_local_hostname: false, check_bonds: "", check_iperf: false };

/** The hook that checks. */
export const CHECK: Hook = { kind: "update-status", name: "update-status", seen: "1" };

/**
 * Makes the model.
 *
 * @param peers how many other units there are
 * @param icmp whether they are pinged, with the charm's 20 packets of 50 ms; else nothing is checked
 */
export async function magpieWorld(peers: number, icmp: boolean): Promise<WorldState> {
  const world = createWorld("3.6.8");
  const charm = await loadCharm(MAGPIE);
  const config = { ...NOTHING, check_icmp: icmp };
  const name = UNIT.split("/")[0] ?? "";
  const app = addApplication(world, { name, charm, charmSource: MAGPIE, config, model: "default" });
  for (let number = 0; number <= peers; number++) {
    const place = { machine: String(number), address: `127.78.0.${number + 1}`, storageRoot: "/" };
    enterRelations(world, addUnit(world, app, place));
  }
  return world;
}
