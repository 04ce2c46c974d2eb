/**
 * How a cluster gives itself up to become a replica: it takes the primary's passwords, dissolves its cluster, and tells
 * the primary where its first node is.
 *
 * @module
 */
import { blocked, deferred, done, type Outcome } from "../../hooks/outcome.ts";
import type { Relation } from "../../hooks/relation.ts";
import { ClusterSetError } from "./cluster_server.ts";
import { changedKeys, obtain, sync } from "./credentials.ts";
import { ANSWER, MAX_NAME, OFFER, type Offer, PEER_APP, readOffer } from "./keys.ts";
import { isFullyInitialized, remoteBag, type Replication, unitLabel, unitsAdded, wasDissolved } from "./replication.ts";
import { LOG, TEXT } from "./texts.ts";

/** Digits that make a cluster's name another one. */
const SUFFIX_LENGTH = 4;

/**
 * Goes from the primary's offer to this side's answer. What the primary sent is checked before anything is changed.
 *
 * @param returning this cluster comes back to the set that it was removed from
 */
export async function surrender(at: Replication, relation: Relation, returning: boolean): Promise<Outcome> {
  const { ctx, charm, peer } = at;
  const offer = readOffer(await remoteBag(relation));
  const { secretId, clusterName, clusterSetName = "" } = offer;
  if (secretId === undefined || clusterName === undefined) return blocked(TEXT.badOffer([OFFER.clusterName]));
  if (returning) {
    ctx.log.debug("Recreating cluster prior to sync credentials");
    await charm.createCluster();
    peer.setApp({ [PEER_APP.removed]: "", [PEER_APP.rejoinSecondaries]: "true" });
    return deferred("the cluster has been made anew, and its units have to join it");
  }
  const mayHaveData = await peer.isPassing();
  if (!await isComplete(at)) {
    // Its end may have been announced, or begun: those that have left come back first.
    await goOn(at);
    ctx.status.set("waiting", TEXT.awaitingMembers);
    return deferred("not all units are in the cluster yet");
  }
  if (!await isSameVersion(at, offer)) {
    ctx.status.set("blocked", TEXT.versionMismatch);
    return done;
  }
  ctx.status.set("maintenance", TEXT.syncing);
  ctx.status.setApplication("maintenance", TEXT.settingUp);
  const obtained = await obtain(ctx, secretId);
  if (obtained.kind === "absent") {
    await goOn(at);
    return deferred("the primary cluster's secret is not granted yet");
  }
  if (obtained.kind === "unusable") return blocked(TEXT.badSecret(obtained.why));
  // Clients have written until now, and may until the cluster is dissolved: what it has is going to be discarded.
  if (!mayHaveData && await refuseUserData(at, relation)) {
    await goOn(at);
    return done;
  }
  const own = await charm.credentials();
  // Those that an earlier hook has taken are known to all units.
  await sync(at, obtained.credentials, own && changedKeys(own, obtained.credentials));
  await dissolve(at);
  if (!mayHaveData && await refuseUserData(at, relation)) return done;
  await answer(at, relation, clusterName);
  peer.setApp({ [PEER_APP.answeredTo]: clusterSetName });
  return done;
}

/**
 * A cluster whose end its units know of, and that does not end after all, is looked after again. The leader's own server
 * may be out of it.
 *
 * @returns whether that was the case
 */
export async function goOn(at: Replication): Promise<boolean> {
  const { [PEER_APP.clusterSetName]: name, [PEER_APP.unitsAdded]: added } = await at.peer.app();
  // Without a name the cluster has not been made yet.
  if (!name || added || await wasDissolved(at)) return false;
  at.peer.setApp({ [PEER_APP.unitsAdded]: await unitsAdded(at) });
  return true;
}

/** A cluster with data of its own does not become a replica. @returns whether it has any */
export async function refuseUserData({ ctx, server }: Replication, relation: Relation): Promise<boolean> {
  if ((await server.getNonSystemDatabases()).length === 0) return false;
  ctx.log.info(LOG.userData);
  ctx.status.setApplication("blocked", TEXT.userDataApplication);
  ctx.status.set("blocked", TEXT.userDataUnit);
  relation.localApp.set({ [ANSWER.userDataFound]: "true" });
  return true;
}

/** All units are members; or this very step had dissolved the cluster when its hook was cut short. */
async function isComplete(at: Replication): Promise<boolean> {
  return await isFullyInitialized(at) || await wasDissolved(at);
}

async function isSameVersion({ ctx, server }: Replication, { version: remote }: Offer): Promise<boolean> {
  const local = await server.getMysqlVersion();
  if (remote !== undefined && remote !== local) ctx.log.error(LOG.versions(remote, local));
  return remote !== undefined && remote === local;
}

async function dissolve({ ctx, server, peer }: Replication): Promise<void> {
  ctx.status.set("maintenance", TEXT.dissolving);
  ctx.log.info("Dissolving replica cluster");
  await server.dissolveCluster();
  // Dissolved for this relation: one that ended earlier no longer counts.
  peer.setApp({ [PEER_APP.unitsAdded]: "", [PEER_APP.rejoinSecondaries]: "", [PEER_APP.removed]: "" });
}

/** Under the primary cluster's name it could not be told from it. */
async function answer({ ctx, charm, peer }: Replication, relation: Relation, primaryName: string): Promise<void> {
  const own = await peer.clusterName();
  if (own === undefined) throw new ClusterSetError("the name of this cluster is not known");
  let name = own;
  if (own === primaryName) {
    ctx.log.warning(LOG.sameName);
    name = own.slice(0, MAX_NAME - SUFFIX_LENGTH) + charm.randomHex().slice(0, SUFFIX_LENGTH);
    peer.setApp({ [PEER_APP.clusterName]: name });
  }
  ctx.status.set("maintenance", TEXT.populating);
  relation.localApp.set({
    [ANSWER.clusterName]: name,
    [ANSWER.endpoint]: await charm.unitAddress(),
    [ANSWER.nodeLabel]: unitLabel(ctx),
  });
  ctx.log.debug("Data for adding replica cluster shared with primary cluster");
  ctx.status.set("waiting", TEXT.awaitingPrimary);
}

/**
 * Takes passwords that the primary side has changed since. The users of a replica follow by replication, so once it is
 * one, only the application's own copies change.
 */
export async function refreshCredentials(at: Replication, relation: Relation): Promise<Outcome> {
  const { ctx, charm } = at;
  const { secretId, initialized } = readOffer(await remoteBag(relation));
  const local = await relation.localApp.get();
  if (secretId === undefined || !local[ANSWER.endpoint]) return done;
  const own = await charm.credentials();
  const obtained = await obtain(ctx, secretId);
  if (obtained.kind === "unusable") return blocked(TEXT.badSecret(obtained.why));
  if (obtained.kind === "absent" || own === undefined) {
    ctx.log.warning(`${relation.endpoint.name} ${relation.id}: the primary cluster's secret cannot be read now`);
    return done;
  }
  const keys = changedKeys(own, obtained.credentials);
  if (keys.length === 0) return done;
  ctx.log.info(`The primary cluster has changed ${keys.join(", ")}`);
  if (!initialized) await sync(at, obtained.credentials, keys);
  else for (const key of keys) await charm.setSecret(key, obtained.credentials[key] ?? "");
  return done;
}
