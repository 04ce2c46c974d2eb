/**
 * Two clusters of real MySQL servers, as clients see them: no charm, no Juju.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { setRecoveryCredentials } from "../../../interfaces/clients/mysql/accounts.ts";
import type { SetAccess } from "../../../interfaces/clients/mysql/cluster_set/access.ts";
import { createClusterSet } from "../../../interfaces/clients/mysql/cluster_set/create.ts";
import { readClusterSet } from "../../../interfaces/clients/mysql/cluster_set/records.ts";
import { createReplicaCluster } from "../../../interfaces/clients/mysql/cluster_set/replica.ts";
import { startInSet, type StartVerdict } from "../../../interfaces/clients/mysql/cluster_set/start.ts";
import { clusterStatus, type ReplicaStatus } from "../../../interfaces/clients/mysql/cluster_set/status.ts";
import { startMember } from "../../../interfaces/clients/mysql/group.ts";
import { configureInstance } from "../../../interfaces/clients/mysql/instance.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { flagIn, textIn } from "../../../interfaces/clients/mysql/rows.ts";
import { readSettings } from "../../../interfaces/clients/mysql/status.ts";
import { ADMIN, clone, form, insertRow, makeTable, prepare, RECOVERY, timed, until } from "../mysql/cluster.ts";
import { type LabServer, MysqlLab } from "../mysql/lab.ts";
import { unlessGone } from "./sampler.ts";

export const LISBON = "lisbon";
export const PORTO = "porto";
export const SET = "iberia";

/** Clusters in two places; nothing replicates between them yet. */
export interface Sites {
  readonly lisbon: readonly LabServer[];
  readonly porto: readonly LabServer[];
  readonly all: readonly LabServer[];
  readonly access: SetAccess;
}

const programs = await mysqlForTests();

/**
 * A test on two clusters of real servers, of which the second follows the first.
 *
 * @param size servers of each
 */
export function clusterSetTest(name: string, size: number, run: (sites: Sites) => Promise<void>): void {
  Deno.test({
    name: `cluster set: ${name}`,
    ignore: programs === undefined,
    fn: async () => {
      assert(programs);
      await using lab = await MysqlLab.open(programs);
      const sites = await openSites(lab, size);
      const expected = size === 1 ? "5.7 s" : "5.7 s, and 7 s for each further server";
      await timed(`set made, ${size} servers of the replica attached`, expected, () => replicate(sites));
      await untilSame(sites.all, 1);
      await run(sites);
    },
  });
}

/** A primary cluster with a table that has one row, and prepared servers of another place. */
async function openSites(lab: MysqlLab, size: number): Promise<Sites> {
  const all = await lab.add(2 * size);
  const [lisbon, porto] = [all.slice(0, size), all.slice(size)];
  await Promise.all([prepare(lisbon, crypto.randomUUID()), prepare(porto, crypto.randomUUID())]);
  await form(lisbon);
  await first(lisbon).as(async (db) => {
    await makeTable(db);
    await insertRow(db, 1);
  });
  return { lisbon, porto, all, access: accessTo(all) };
}

/** Connects by the network as charms do. */
function accessTo(all: readonly LabServer[]): SetAccess {
  return {
    connect: ({ port }, timeoutMs) => {
      const server = all.find((each) => each.port === port);
      assert(server, `no server at port ${port}`);
      return server.connectRemote(ADMIN.user, ADMIN.password, timeoutMs);
    },
    replication: RECOVERY,
    holder: "test",
  };
}

/** Makes the set and adds the second place, all its servers. */
async function replicate({ lisbon, porto, access }: Sites): Promise<void> {
  const db = first(lisbon);
  await db.as((at) => createClusterSet(access, at, { setName: SET, clusterName: LISBON }));
  const endpoint = first(porto);
  const replica = { clusterName: PORTO, endpoint: { host: endpoint.host, port: endpoint.port }, label: "porto-0" };
  assertEquals(await db.as((at) => createReplicaCluster(access, at, replica)), "done");
  for (const server of porto.slice(1)) await addMember(server, endpoint);
  for (const server of porto) {
    await until(`server ${server.number} knows the set`, async () => {
      const set = await server.as(readClusterSet);
      return set?.clusters.some(({ name }) => name === PORTO) ?? false;
    });
  }
}

/** Adds a server to a replica cluster by a copy of one of its members. */
export async function addMember(server: LabServer, donor: LabServer): Promise<void> {
  await clone(server, donor);
  const name = await donor.as((db) => readSettings(db, ["group_replication_group_name"]));
  const groupName = name.get("group_replication_group_name") ?? "";
  const [own, seed] = [server, donor].map(({ host, port }) => ({ host, port }));
  assert(own && seed);
  await server.as(async (db) => {
    await configureInstance(db, { ...own, groupName, seeds: [seed, own] });
    await setRecoveryCredentials(db, RECOVERY);
    assertEquals(await startMember(db), "online");
  });
}

/** The first of some servers. */
export function first(servers: readonly LabServer[]): LabServer {
  const [server] = servers;
  assert(server);
  return server;
}

/** The server that is the primary of its cluster. */
export async function primaryOf(servers: readonly LabServer[]): Promise<LabServer> {
  for (const server of servers) {
    const group = await server.as(readGroup).catch(() => undefined);
    const found = servers.find(({ port }) => port === group?.primary?.port);
    if (found && group?.quorum) return found;
  }
  throw new Error("the cluster has no primary");
}

/** Whether each of the servers takes clients' writes. */
export async function writable(servers: readonly LabServer[]): Promise<boolean[]> {
  return await Promise.all(servers.map((server) =>
    unlessGone(() => server.connect(), async (db) => {
      const [row] = await db.query("look", sql`SELECT @@global.read_only AS closed`);
      return !flagIn(row, "closed");
    })
  ));
}

/** Waits until all servers have the same rows. */
export async function untilSame(servers: readonly LabServer[], rows: number): Promise<void> {
  for (const server of servers) {
    await until(`${rows} rows at server ${server.number}`, async () => (await rowsOf(server)).length === rows);
  }
  const texts = await Promise.all(servers.map(async (server) => (await rowsOf(server)).join(",")));
  for (const text of texts) assertEquals(text, texts[0]);
}

async function rowsOf(server: LabServer): Promise<string[]> {
  const rows = await server.as((db) => db.query("read rows", sql`SELECT id FROM test.rows_ ORDER BY id`));
  return rows.map((row) => textIn(row, "id"));
}

/** Writes a row at the cluster's primary. */
export async function insert(servers: readonly LabServer[], id: number): Promise<void> {
  await (await primaryOf(servers)).as((db) => insertRow(db, id));
}

/** How a cluster does, as servers of one see it. */
export async function statusOf({ access }: Sites, from: readonly LabServer[], name: string): Promise<ReplicaStatus> {
  const found = await (await primaryOf(from)).as((db) => clusterStatus(access, db, name));
  return found.status;
}

/** Ends all servers of a place at once. */
export async function killAll(servers: readonly LabServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.kill()));
}

/** Starts the servers of a place again after all were killed. @returns whether the cluster takes writes, and why */
export async function restart({ access }: Sites, servers: readonly LabServer[]): Promise<StartVerdict> {
  await Promise.all(servers.map((server) => server.start()));
  const [head, ...others] = servers;
  assert(head);
  const verdict = await head.as((db) => startInSet(access, db));
  for (const server of others) assertEquals(await server.as((db) => startMember(db)), "online");
  return verdict;
}
