/**
 * Two clusters of real MySQL servers, as clients see them: no charm, no Juju.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { UnreachableError } from "../../../interfaces/clients/errors.ts";
import { createClusterSet } from "../../../interfaces/clients/mysql/cluster_set/create.ts";
import type { SetAccess } from "../../../interfaces/clients/mysql/cluster_set/access.ts";
import { createReplicaCluster } from "../../../interfaces/clients/mysql/cluster_set/replica.ts";
import { keepClosed } from "../../../interfaces/clients/mysql/cluster_set/start.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { createGroup, startMember } from "../../../interfaces/clients/mysql/group.ts";
import { configureInstance } from "../../../interfaces/clients/mysql/instance.ts";
import { setRecoveryCredentials } from "../../../interfaces/clients/mysql/accounts.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { flagIn, textIn } from "../../../interfaces/clients/mysql/rows.ts";
import { readSettings } from "../../../interfaces/clients/mysql/status.ts";
import { ADMIN, clone, form, makeTable, prepare, RECOVERY, until } from "../mysql/cluster.ts";
import type { LabServer, MysqlLab } from "../mysql/lab.ts";

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

/** A primary cluster with a table, and prepared servers of another place. */
export async function openSites(lab: MysqlLab, size: number): Promise<Sites> {
  const all = await lab.add(2 * size);
  const [lisbon, porto] = [all.slice(0, size), all.slice(size)];
  await Promise.all([prepare(lisbon, crypto.randomUUID()), prepare(porto, crypto.randomUUID())]);
  await form(lisbon);
  await first(lisbon).as(makeTable);
  return { lisbon, porto, all, access: accessTo(all) };
}

/** Connects by the network as charms do. */
export function accessTo(all: readonly LabServer[], holder = "test"): SetAccess {
  return {
    connect: ({ port }, timeoutMs) => {
      const server = all.find((each) => each.port === port);
      assert(server, `no server at port ${port}`);
      return server.connectRemote(ADMIN.user, ADMIN.password, timeoutMs);
    },
    replication: RECOVERY,
    holder,
  };
}

/** Makes the set and adds the second place, all its servers. */
export async function replicate({ lisbon, porto, access }: Sites): Promise<void> {
  const db = first(lisbon);
  await db.as((at) => createClusterSet(access, at, { setName: SET, clusterName: LISBON }));
  const endpoint = first(porto);
  const replica = { clusterName: PORTO, endpoint: { host: endpoint.host, port: endpoint.port }, label: "porto-0" };
  assertEquals(await db.as((at) => createReplicaCluster(access, at, replica)), "done");
  for (const server of porto.slice(1)) await addMember(server, endpoint);
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
    server.as(async (db) => {
      const [row] = await db.query("look", sql`SELECT @@global.read_only AS closed`);
      return !flagIn(row, "closed");
    }).catch(() => false)
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

/** Starts the servers of a place again after all were killed; closed or open as is asked for. */
export async function restart(servers: readonly LabServer[], { open }: { readonly open: boolean }): Promise<void> {
  await Promise.all(servers.map((server) => server.start()));
  const [head, ...others] = servers;
  assert(head);
  await head.as(async (db) => {
    if (!open) await keepClosed(db);
    await createGroup(db, { readOnly: !open });
  });
  for (const server of others) assertEquals(await server.as((db) => startMember(db)), "online");
}

/** An access that fails at every statement after some number of them, as if whoever uses it were killed. */
export function cutShort(
  access: SetAccess,
  after: number,
): { readonly access: SetAccess; readonly used: () => number } {
  let used = 0;
  const count = (endpoint: string) => {
    if (used++ >= after) throw new UnreachableError([{ endpoint, reason: "cut short" }]);
  };
  const wrap = (db: Mysql): Mysql => ({
    endpoint: db.endpoint,
    query: async (...what) => {
      count(db.endpoint);
      return await db.query(...what);
    },
    run: async (...what) => {
      count(db.endpoint);
      await db.run(...what);
    },
    close: () => db.close(),
    [Symbol.asyncDispose]: () => db.close(),
  });
  return {
    access: { ...access, connect: async (...where) => wrap(await access.connect(...where)) },
    used: () => used,
  };
}
