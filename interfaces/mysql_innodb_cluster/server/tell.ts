/**
 * What the leader tells about the cluster's members: the other units by the databag, Router by the metadata.
 *
 * @module
 */
import { addressText, type Group } from "../../clients/mysql/members.ts";
import { ensureCluster, type InstanceRecord, readMetadata, syncInstances } from "../../clients/mysql/metadata.ts";
import { ensureMetadata } from "../../clients/mysql/metadata_schema.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { readMemory, remember } from "./memory.ts";
import { type ClusterRecord, writeRecord } from "./record.ts";
import { openForMetadata } from "./set_access.ts";
import { allAddresses, onlineOf, sameAddress, unitAt, type Ward } from "./ward.ts";

/**
 * Tells who is in the cluster.
 *
 * @param view the group as a member sees it
 * @param changes to the record, beside the members
 */
export async function tellMembers(
  ward: Ward,
  view: Group,
  changes: Partial<Pick<ClusterRecord, "removed">> = {},
): Promise<void> {
  const { ctx, peers, place, others } = ward;
  const record = { ...ward.record, ...changes };
  const online = new Set(onlineOf(view.members).map(addressText));
  const isIn = ({ unit, address }: { unit: string; address: Address | undefined }) =>
    address && online.has(addressText(address)) || record.clustered.includes(unit);
  const clustered = [{ unit: ctx.unit, address: place }, ...others].filter(isIn).map(({ unit }) => unit)
    .filter((unit) => !record.removed.includes(unit));
  peers.localApp.set(writeRecord({ ...record, clustered }));
  await recordMembers({ ...ward, record }, view);
  const listed = new Set(view.members.map(addressText));
  const { departed = [] } = readMemory(ctx);
  remember(ctx, { departed: departed.filter((address) => listed.has(addressText(address))) });
}

/** Keeps what Router reads true. Units whose server is down for a while stay listed, those that departed do not. */
async function recordMembers(ward: Ward, view: Group): Promise<void> {
  const { primary } = view;
  if (!primary || !view.quorum) return;
  const { record: { clusterName: name, groupName } } = ward;
  const open = await openForMetadata(ward, primary);
  if (!open) return;
  await using db = open;
  await ensureMetadata(db);
  const { clusterId } = await ensureCluster(db, { name, groupName });
  const members = onlineOf(view.members);
  const listed = (await readMetadata(db))?.instances.get(clusterId) ?? [];
  const known = allAddresses(ward);
  const isOurs = (address: Address) =>
    known.some((each) => sameAddress(each, address)) && !ward.record.removed.includes(unitAt(ward, address));
  const isOnline = (server: InstanceRecord) =>
    members.some((member) => member.uuid === server.uuid || sameAddress(member, server));
  await syncInstances(db, clusterId, [
    ...listed.filter((server) => isOurs(server) && !isOnline(server)),
    ...members.filter(isOurs).map(({ uuid, host, port }) => ({
      uuid,
      host,
      port,
      label: unitAt(ward, { host, port }),
    })),
  ]);
}
