/**
 * The charm that runs MySQL, as replication between clusters sees it.
 *
 * @module
 */
import { ValueError } from "../../../hooks/errors.ts";
import { addressText, readGroup } from "../../clients/mysql/members.ts";
import { remember } from "../../mysql_innodb_cluster/server/memory.ts";
import { replacePasswords } from "../../mysql_innodb_cluster/server/passwords.ts";
import type { Credentials, ReplicationCharm } from "../charm_side.ts";
import type { ClusterSetServer } from "../cluster_server.ts";
import { PeerData } from "../peer_data.ts";
import { reportStanding } from "../standing.ts";
import { makeCluster } from "./clusters.ts";
import { USUAL_PORT } from "./endpoint.ts";
import { missingOthers, ownOf, sharedOf } from "./shared_passwords.ts";
import type { Site } from "./site.ts";

/**
 * The charm of a unit.
 *
 * @param server the other port of the same run
 */
export function mysqlCharm(site: Site, server: ClusterSetServer): ReplicationCharm {
  const charm: ReplicationCharm = {
    peers: () => site.peers(),
    credentials: () => credentials(site),
    async setSecret(key, password) {
      const { peers, record, credentials: old } = await site.ward();
      await site.change({ credentials: replacePasswords(site.ctx, peers, record, old, ownOf(key, password, old)) });
    },
    createCluster: () => site.changing(() => makeCluster(site)),
    async updateStatus() {
      // In a hook nothing that the charm looks after has changed by this; an action may have changed anything.
      if (site.ctx.event.kind === "action") remember(site.ctx, { settled: "" });
      const side = site.ctx.endpoint?.role === "requires" ? "replica" : "primary";
      await reportStanding({ ctx: site.ctx, server, charm, peer: new PeerData(site.ctx, await site.peers()) }, side);
    },
    async unitAddress() {
      const { place } = await site.ward();
      return place.port === USUAL_PORT ? place.host : addressText(place);
    },
    async activeStatusMessage() {
      const { self } = await readGroup(await site.own());
      return self?.role === "primary" ? "Primary" : "";
    },
    randomHex: () => crypto.randomUUID().replaceAll("-", ""),
  };
  return charm;
}

/** Before the unit is set up there are none. The leader makes up those that no user here has. */
async function credentials(site: Site): Promise<Credentials | undefined> {
  try {
    const { ctx, peers, record, credentials: own } = await site.ward();
    const shared = sharedOf(own);
    if (shared || !await ctx.isLeader()) return shared;
    const made = replacePasswords(ctx, peers, record, own, missingOthers(own));
    await site.change({ credentials: made });
    return sharedOf(made);
  } catch (error) {
    if (error instanceof ValueError) return undefined;
    throw error;
  }
}
