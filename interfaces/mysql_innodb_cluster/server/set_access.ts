/**
 * The cluster as a part of a cluster set: how servers of the others are reached, and what a member needs there.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { isPassing } from "../../async_replication/keys.ts";
import { ClientError } from "../../clients/errors.ts";
import type { SetAccess } from "../../clients/mysql/cluster_set/access.ts";
import {
  hasChannel,
  readChannel,
  setChannelPassword,
  startChannel,
  stopChannel,
} from "../../clients/mysql/cluster_set/channel.ts";
import { closeIfLeftBehind } from "../../clients/mysql/cluster_set/left_behind.ts";
import { dropLeftChannel, prepareReplicaMember } from "../../clients/mysql/cluster_set/member.ts";
import { startInSet } from "../../clients/mysql/cluster_set/start.ts";
import { openSetPrimary, readRole } from "../../clients/mysql/cluster_set/state.ts";
import { connectMysql, type Mysql } from "../../clients/mysql/connection.ts";
import { createGroup, setPrimary } from "../../clients/mysql/group.ts";
import { type Group, readGroup } from "../../clients/mysql/members.ts";
import type { Address } from "../../clients/mysql/status.ts";
import type { Credentials } from "./passwords.ts";
import { followsPasswords, isReplicated } from "./set_keys.ts";
import { allAddresses, openAt, sameAddress, type Ward } from "./ward.ts";

/** Milliseconds for connecting and for each statement. */
const WORK_MS = 20_000;
const PATIENCE_MS = 10_000;
/** Milliseconds for a server of another cluster to answer. */
const LOOK_MS = 2000;
const CLOSED: Readonly<Record<string, string>> = {
  replica: "it is a replica",
  invalidated: "a forced promotion has left it behind",
  removed: "it was removed from its cluster set",
  rival: "another cluster takes writes",
  stale: "its servers do not know that it is the primary cluster: run unfence-writes",
  fenced: "its writes are fenced, or its last start was cut short: run unfence-writes",
  changing: "the cluster set is being changed: unfence its writes when that is done",
};

/** How all clusters of the set are reached: the cluster's user has one password in all of them. */
export function setAccess(ward: Ward): SetAccess {
  const { ctx, credentials } = ward;
  const { recovery: { user, password } } = credentials;
  return {
    connect: (address, timeoutMs = WORK_MS) =>
      allAddresses(ward).some((each) => sameAddress(each, address))
        ? openAt(ward, address, timeoutMs)
        : openForeign(credentials, address, timeoutMs),
    replication: { user, password },
    holder: ctx.unit,
  };
}

/** Gives a server that is about to join the channel that the others have, or takes it away. */
export async function prepareMember(ward: Ward, joiner: Mysql, { primary }: Group): Promise<void> {
  if (!isReplicated(ward.ctx) || !primary) return;
  await using db = await openAt(ward, primary, WORK_MS);
  await prepareReplicaMember(setAccess(ward), db, joiner);
}

/** Forgets the channel when a promotion, which did not see the own server, has taken it from its cluster. */
export async function forgetChannel(
  ward: Ward,
  own: Mysql,
  { primary }: Group,
  options: { readonly hasJoined: boolean },
): Promise<void> {
  if (!isReplicated(ward.ctx) || !primary) return;
  try {
    const channel = await readChannel(own);
    // The group has told its members when the channel had no sources any more.
    if (!channel || channel.sources.length > 0) return;
    await using db = await openAt(ward, primary, LOOK_MS);
    if (await dropLeftChannel(db, own, options)) {
      ward.ctx.log.info("the cluster follows nobody: its channel is forgotten");
    }
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ward.ctx.log.warning(`whether the channel is still needed is not known: ${error.message}`);
  }
}

/** Tells the own server's channel the recovery user's password. */
export async function tellChannel(ctx: Context, own: Mysql, { recovery }: Credentials): Promise<void> {
  if (isReplicated(ctx) && await hasChannel(own)) await setChannelPassword(own, recovery);
}

/**
 * The server on which what Router reads is to be changed; the caller closes it.
 *
 * @returns undefined when there is none that takes writes now, or nothing is to be changed
 */
export async function openForMetadata(ward: Ward, primary: Address): Promise<Mysql | undefined> {
  const { ctx, peers } = ward;
  const own = await openAt(ward, primary, WORK_MS);
  if (!isReplicated(ctx)) return own;
  await using db = own;
  // A cluster that returns to its set must not have transactions of its own.
  if (isPassing(await peers.app()) && await followsPasswords(ctx)) return undefined;
  try {
    if (await readRole(db) === "replica") return await openSetPrimary(setAccess(ward), db, LOOK_MS);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(`the metadata are not brought up to date: ${error.message}`);
    return undefined;
  }
  return (await readGroup(db)).writable ? await openAt(ward, primary, WORK_MS) : undefined;
}

/**
 * Starts the cluster with one of its servers. One that is in a set asks the other clusters first: an old primary must not
 * take writes when another cluster does.
 *
 * @returns why it takes no writes; undefined when it does
 */
export async function startCluster(ward: Ward, db: Mysql): Promise<string | undefined> {
  if (!isReplicated(ward.ctx)) {
    await createGroup(db);
    return undefined;
  }
  const { open, why, unasked } = await startInSet(setAccess(ward), db);
  if (open) return undefined;
  return unasked.length > 0 ? `${unasked.join(", ")} cannot be asked` : CLOSED[why] ?? why;
}

/**
 * With update-status the primary's unit asks the other clusters whether one was promoted by force while this one could not
 * be reached: then this one takes no more writes.
 */
export async function yieldToPromoted(ward: Ward, own: Mysql): Promise<void> {
  const { ctx } = ward;
  if (ctx.event.name !== "update-status" || !isReplicated(ctx)) return;
  try {
    const promoted = await closeIfLeftBehind(setAccess(ward), own, LOOK_MS);
    if (promoted === undefined) return;
    ctx.log.warning(
      `${promoted} was promoted by force while this cluster could not be reached: it takes no more writes; run rejoin-cluster on a unit of ${promoted}, unless this one was removed there`,
    );
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(`the other clusters cannot be asked whether they were promoted: ${error.message}`);
  }
}

/** Makes a member the primary of its cluster; a replica stops following for that moment. */
export async function changePrimary(ward: Ward, db: Mysql, uuid: string): Promise<void> {
  const { primary } = await readGroup(db);
  if (!isReplicated(ward.ctx) || !primary || primary.uuid === uuid) return await setPrimary(db, uuid);
  await using old = await openAt(ward, primary, WORK_MS);
  if (!await hasChannel(old)) return await setPrimary(db, uuid);
  await stopChannel(old, { drain: false, patienceMs: PATIENCE_MS });
  try {
    await setPrimary(db, uuid);
  } finally {
    const { primary: now } = await readGroup(db);
    if (now) {
      await using next = await openAt(ward, now, WORK_MS);
      await startChannel(next);
    }
  }
}

/** Another authority has signed the certificates of other clusters. */
function openForeign({ cluster: { user, password } }: Credentials, { host, port }: Address, timeoutMs: number) {
  return connectMysql({ at: { host, port, tls: "unverified" }, user, password, timeoutMs });
}
