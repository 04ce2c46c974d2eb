/**
 * Which members of the cluster Router is to read of.
 *
 * @module
 */
import type { Mysql } from "../../clients/mysql/connection.ts";
import type { Group } from "../../clients/mysql/members.ts";
import { type InstanceRecord, isSameList, readMetadata } from "../../clients/mysql/metadata.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { allAddresses, onlineOf, sameAddress, unitAt, type Ward } from "./ward.ts";

/**
 * The members to list: units whose server is down for a while stay listed, those that departed do not.
 *
 * @param listed those that are listed now
 */
export function membersToList(ward: Ward, view: Group, listed: readonly InstanceRecord[]): InstanceRecord[] {
  const members = onlineOf(view.members);
  const known = allAddresses(ward);
  const isOurs = (address: Address) =>
    known.some((each) => sameAddress(each, address)) && !ward.record.removed.includes(unitAt(ward, address));
  const isOnline = (server: InstanceRecord) =>
    members.some((member) => member.uuid === server.uuid || sameAddress(member, server));
  return [
    ...listed.filter((server) => isOurs(server) && !isOnline(server)),
    ...members.filter(isOurs).map(({ uuid, host, port }) => ({
      uuid,
      host,
      port,
      label: unitAt(ward, { host, port }),
    })),
  ];
}

/**
 * Whether what the own server knows of the list is as it should be. What members know comes from the primary: it need not
 * be asked then.
 *
 * @param own connection to the own server, which is an online member
 */
export async function isListed(ward: Ward, own: Mysql, view: Group): Promise<boolean> {
  const metadata = await readMetadata(own);
  const cluster = metadata?.clusters.find(({ groupName }) => groupName === ward.record.groupName);
  const listed = cluster && metadata?.instances.get(cluster.clusterId);
  return listed !== undefined && isSameList(listed, membersToList(ward, view, listed));
}
