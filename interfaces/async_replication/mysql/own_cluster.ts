/**
 * What the unit's own server and its cluster say, and what is done to them alone.
 *
 * @module
 */
import { checkPassword, setOfflinePassword, setPassword } from "../../clients/mysql/accounts.ts";
import { whileUnlocked } from "../../clients/mysql/cluster_set/modes.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { addressText, endpointsOf, readGroup } from "../../clients/mysql/members.ts";
import { sql } from "../../clients/mysql/quoting.ts";
import { plainVersion, readServer } from "../../clients/mysql/status.ts";
import { readMemory } from "../../mysql_innodb_cluster/server/memory.ts";
import { changePrimary } from "../../mysql_innodb_cluster/server/set_access.ts";
import { askAll } from "../../mysql_innodb_cluster/server/survey.ts";
import { allAddresses, openPeer } from "../../mysql_innodb_cluster/server/ward.ts";
import type { ClusterEndpoints, MemberState } from "../cluster_server.ts";
import { USERS } from "../credentials.ts";
import { CLUSTER_KEY, RECOVERY_KEY } from "./shared_passwords.ts";
import type { Site } from "./site.ts";

/** The own server's state and role in its cluster. */
export async function memberState(site: Site): Promise<MemberState> {
  const { self } = await readGroup(await site.own());
  return { state: (self?.state ?? "OFFLINE").toLowerCase(), role: self?.role ?? "unknown" };
}

/** Such as `9.7.4`, without what a distribution adds. */
export async function version(site: Site): Promise<string> {
  return plainVersion((await readServer(await site.own())).version);
}

/** Where the members of the own cluster are; addresses are all that members report. */
export async function endpoints(site: Site): Promise<ClusterEndpoints> {
  const group = await readGroup(await site.own());
  const { rw, ro, offline } = endpointsOf(group, allAddresses(await site.ward()), { readOnly: !group.writable });
  // A cluster that takes no writes has a primary all the same, which is no secondary to copy from.
  const primary = group.primary && addressText(group.primary);
  return { readWrite: rw, readOnly: ro.filter((address) => address !== primary), offline };
}

/** Members of the own cluster. */
export async function nodeCount(site: Site, onlyOnline: boolean): Promise<number> {
  const { members, online, self } = await readGroup(await site.own());
  if (onlyOnline) return self?.state === "ONLINE" ? online : 0;
  return members.length;
}

/** Whether the own server is in a cluster that runs. */
export async function isInCluster(site: Site): Promise<boolean> {
  const { self } = await readGroup(await site.own());
  return self?.state === "ONLINE" || self?.state === "RECOVERING";
}

/** Whether the own server has left its cluster for good, but by somebody's wish: it was in it, and does not remember it. */
export async function hasLeft(site: Site): Promise<boolean> {
  const db = await site.own();
  if (readMemory(site.ctx).wasMember !== true || await isInCluster(site)) return false;
  if ((await site.ward()).record.removed.includes(site.ctx.unit)) return false;
  return !await remembersGroup(db);
}

/** Whether all other servers that were in the cluster have left it for good. */
export async function haveOthersLeft(site: Site): Promise<boolean> {
  const ward = await site.ward();
  if (!await isNobodyIn(site)) return false;
  const members = ward.others.filter(({ unit }) => ward.record.clustered.includes(unit));
  const remember = await Promise.all(members.map(async (report) => {
    await using db = await openPeer(report, ward.credentials);
    return await remembersGroup(db);
  }));
  return !remember.includes(true);
}

/** Whether a server that is in no group knows which one it was in: it was stopped, and has not left. */
async function remembersGroup(db: Mysql): Promise<boolean> {
  const rows = await db.query(
    "look for the server's group",
    sql`SELECT 1 FROM performance_schema.persisted_variables WHERE VARIABLE_NAME = 'group_replication_group_name'`,
  );
  return rows.length > 0;
}

/** Whether all other units' servers answer and are in no cluster. */
export async function isNobodyIn(site: Site): Promise<boolean> {
  const ward = await site.ward();
  return (await askAll(ward, ward.others)).every(({ found }) => found === "outside");
}

/** Makes the own server the primary of its cluster. */
export async function becomePrimary(site: Site): Promise<void> {
  const db = await site.own();
  const { self } = await readGroup(db);
  if (self?.state === "ONLINE" && self.role !== "primary") await changePrimary(await site.ward(), db, self.uuid);
}

/**
 * Gives one of the shared users a password. Users that this charm's servers do not have are left out. The unit that
 * leads becomes the primary of its cluster for this: it is going to be the first node of the replica.
 */
export async function changePassword(site: Site, user: string, password: string): Promise<void> {
  const { credentials } = await site.ward();
  const key = USERS.find((each) => each.user === user)?.key;
  const account = { [CLUSTER_KEY]: credentials.cluster, [RECOVERY_KEY]: credentials.recovery }[key ?? ""];
  if (!account) return;
  const db = await site.own();
  const change = { ...account, password };
  if (!await isInCluster(site)) return await setOfflinePassword(db, change);
  await becomePrimary(site);
  const { place, credentials: { authority } } = await site.ward();
  const at = { host: place.host, port: place.port, tls: { ca: authority.certificate } };
  // A cluster that returns to its set has the password already, and must not have transactions of its own.
  if (!await checkPassword({ at, user: change.user, password })) await whileUnlocked(db, () => setPassword(db, change));
}
