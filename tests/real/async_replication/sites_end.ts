/**
 * What two sites are in the end, to be compared with others that went the same way.
 *
 * @module
 */
import { hasChannel } from "../../../interfaces/clients/mysql/cluster_set/channel.ts";
import { readMode } from "../../../interfaces/clients/mysql/cluster_set/modes.ts";
import { readClusterSet } from "../../../interfaces/clients/mysql/cluster_set/records.ts";
import { openUnit } from "../mysql/formation.ts";
import { endState, plainBag, withoutIds } from "../mysql/killed.ts";
import { EAST, type Sites, WEST } from "./sites.ts";

/** Everything but ports, ids, passwords, names that were made up, and who of a group its primary is. */
export async function endOfSites(sites: Sites): Promise<unknown> {
  const { lab } = sites;
  // What the last hooks said may still have to reach the others.
  lab.model.updateStatus();
  await lab.model.settle();
  const { relations, units } = lab.model.world;
  const between = Object.values(relations).find(({ sides }) => sides.some(({ app }) => app !== sides[0]?.app));
  return {
    clusters: [await endState(lab, EAST), await endState(lab, WEST)],
    between: [EAST, WEST].map((app) => plainBag(lab, between?.appBags[app] ?? {})),
    kept: Object.entries(units).map(([unit, { state }]) => [unit, Object.keys(state).sort()]),
    servers: await Promise.all(
      sites.allUnits().map(async (unit) => {
        await using db = await openUnit(lab, unit);
        const set = await readClusterSet(db);
        const members = set?.clusters.map(({ name, role, invalidated }) => [withoutIds(lab, name), role, invalidated]);
        return [unit, await readMode(db), await hasChannel(db), members];
      }),
    ),
  };
}
