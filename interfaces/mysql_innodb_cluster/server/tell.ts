/**
 * What the leader tells about the cluster's members: the other units by the databag, Router by the metadata.
 *
 * @module
 */
import type { Mysql } from "../../clients/mysql/connection.ts";
import { ReadOnlyError } from "../../clients/mysql/errors.ts";
import { addressText, type Group } from "../../clients/mysql/members.ts";
import { ensureCluster, readMetadata, syncInstances } from "../../clients/mysql/metadata.ts";
import { ensureMetadata } from "../../clients/mysql/metadata_schema.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { isListed, membersToList } from "./listed.ts";
import { readMemory, remember } from "./memory.ts";
import { type ClusterRecord, writeRecord } from "./record.ts";
import { openForMetadata } from "./set_access.ts";
import { isReplicated } from "./set_keys.ts";
import { onlineOf, type Ward } from "./ward.ts";

/**
 * Tells who is in the cluster.
 *
 * @param view the group as a member sees it
 * @param changes to the record, beside the members
 * @param own connection to the own server when that is an online member: what it knows is looked at first
 */
export async function tellMembers(
  ward: Ward,
  view: Group,
  changes: Partial<Pick<ClusterRecord, "removed">> = {},
  own?: Mysql,
): Promise<void> {
  const { ctx, peers, place, others } = ward;
  const record = { ...ward.record, ...changes };
  const online = new Set(onlineOf(view.members).map(addressText));
  const isIn = ({ unit, address }: { unit: string; address: Address | undefined }) =>
    address && online.has(addressText(address)) || record.clustered.includes(unit);
  const clustered = [{ unit: ctx.unit, address: place }, ...others].filter(isIn).map(({ unit }) => unit)
    .filter((unit) => !record.removed.includes(unit));
  peers.localApp.set(writeRecord({ ...record, clustered }));
  const changed = { ...ward, record };
  if (!own || !await isListed(changed, own, view)) await recordWherePossible(changed, view);
  const listed = new Set(view.members.map(addressText));
  const { departed = [] } = readMemory(ctx);
  remember(ctx, { departed: departed.filter((address) => listed.has(addressText(address))) });
}

/** In a cluster set what Router reads is at the primary cluster, which may be fenced: the next look tries again. */
async function recordWherePossible(ward: Ward, view: Group): Promise<void> {
  try {
    await recordMembers(ward, view);
  } catch (error) {
    if (!(error instanceof ReadOnlyError) || !isReplicated(ward.ctx)) throw error;
    ward.ctx.log.warning(`the metadata are not brought up to date: ${error.message}`);
  }
}

/** Keeps what Router reads true. */
async function recordMembers(ward: Ward, view: Group): Promise<void> {
  const { primary } = view;
  if (!primary || !view.quorum) return;
  const { record: { clusterName: name, groupName } } = ward;
  const open = await openForMetadata(ward, primary);
  if (!open) return;
  await using db = open;
  await ensureMetadata(db);
  const { clusterId } = await ensureCluster(db, { name, groupName });
  const listed = (await readMetadata(db))?.instances.get(clusterId) ?? [];
  await syncInstances(db, clusterId, membersToList(ward, view, listed));
}
