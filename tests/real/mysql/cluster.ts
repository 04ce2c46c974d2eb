/**
 * What the tests of a cluster share: how a charm prepares a server, joins it and looks at it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type Account, ensureAccount, setRecoveryCredentials } from "../../../interfaces/clients/mysql/accounts.ts";
import { cloneFrom, joinMethod, readClone } from "../../../interfaces/clients/mysql/clone.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { createGroup, startMember } from "../../../interfaces/clients/mysql/group.ts";
import { checkInstance, configureInstance, ensurePlugins } from "../../../interfaces/clients/mysql/instance.ts";
import { type Group, readGroup } from "../../../interfaces/clients/mysql/members.ts";
import type { InstanceRecord } from "../../../interfaces/clients/mysql/metadata.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { numberIn } from "../../../interfaces/clients/mysql/rows.ts";
import { readServer } from "../../../interfaces/clients/mysql/status.ts";
import type { LabServer, MysqlLab } from "./lab.ts";

/** Passwords as no sane person would choose them. */
export const ADMIN: Account = { user: "clusteruser", host: "%", password: `a'"\\;-- ?:x\`ü`, role: "admin" };
export const RECOVERY: Account = {
  user: "recovery",
  host: "%",
  password: `r\\'"); DROP USER x -- \\`,
  role: "recovery",
};

/** How long conditions are waited for: machines are slow and busy. */
export const PATIENCE_MS = 300_000;
const POLL_MS = 100;

/** Prints how long something took, beside what the design document measured for it. */
export async function timed<T>(what: string, expected: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - start) / 1000).toFixed(2)} s (${expected})`);
  return result;
}

/** Makes servers ready for a group; nothing runs yet. */
export async function prepare(servers: readonly LabServer[], groupName: string): Promise<void> {
  const seeds = servers.map(({ host, port }) => ({ host, port }));
  for (const server of servers) {
    await server.as(async (db) => {
      assertEquals(await checkInstance(db, server), []);
      await ensurePlugins(db);
      for (const account of [ADMIN, RECOVERY]) await ensureAccount(db, account, { replicate: false });
      await configureInstance(db, { host: server.host, port: server.port, groupName, seeds });
      await setRecoveryCredentials(db, RECOVERY);
      assertEquals((await readServer(db)).gtidExecuted, "", "nothing that would keep it out of the group");
    });
  }
}

/** Gives a server its place in the group again, as after a removal. @returns whether it had to be told anything */
export async function place(server: LabServer, all: readonly LabServer[], groupName: string): Promise<boolean> {
  const seeds = all.map(({ host, port }) => ({ host, port }));
  return await server.as((db) => configureInstance(db, { host: server.host, port: server.port, groupName, seeds }));
}

/** A group of prepared servers, the first its primary. */
export async function form(servers: readonly LabServer[]): Promise<void> {
  const [first, ...others] = servers;
  await first?.as((db) => createGroup(db));
  for (const server of others) assertEquals(await server.as((db) => startMember(db)), "online");
}

/** Lets a server come back to a group that may still be busy with its loss: it is refused until that is over. */
export async function comeBack(server: LabServer): Promise<void> {
  await until("it is online", async () => await server.as((db) => startMember(db)) === "online");
}

/** Replaces a server's data by another's and waits until it is back. */
export async function clone(server: LabServer, donor: LabServer): Promise<void> {
  const source = { host: donor.host, port: donor.port, user: RECOVERY.user, password: RECOVERY.password };
  assertEquals(await server.as((db) => cloneFrom(db, source)), "restarting");
  await until("the copy is complete", async () => {
    await server.waitUp();
    return (await server.as(readClone)).state === "completed";
  });
}

/** How a server can get what it lacks from a group of others. */
export async function methodFor(server: LabServer, members: readonly LabServer[]): Promise<string> {
  const joiner = (await server.as(readServer)).gtidExecuted;
  const facts = await Promise.all(members.map((member) => member.as(readServer)));
  const method = joinMethod({
    joiner,
    group: facts[0]?.gtidExecuted ?? "",
    purged: facts.map(({ gtidPurged }) => gtidPurged),
  });
  return method.method;
}

/** Waits for what the group says, as one of its members sees it. */
export async function untilGroup(
  what: string,
  server: LabServer,
  condition: (group: Group) => boolean,
): Promise<Group> {
  let group: Group | undefined;
  try {
    await until(what, async () => {
      group = await server.as(readGroup);
      return condition(group);
    });
  } catch (error) {
    await tellAll(server.lab);
    throw error;
  }
  assert(group);
  return group;
}

/** What servers see and say, for whoever asks why a test has failed. */
async function tellAll(lab: MysqlLab): Promise<void> {
  for (const server of lab.servers) {
    const group = await server.as(readGroup).catch(String);
    console.log(`server ${server.number} sees ${JSON.stringify(group)}; its log ends:\n${await lab.logOf(server)}`);
  }
}

/** Waits for a condition; an error counts as not yet. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  let last: unknown = "it is not so";
  while (Date.now() < end) {
    try {
      if (await condition()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`waited in vain for: ${what}`, { cause: last });
}

/** The members in the form that the metadata has them. */
export function records(group: Group): InstanceRecord[] {
  return group.members.map(({ uuid, host, port }) => ({ uuid, host, port, label: `${host}:${port}` }));
}

/** A table that rows are counted in; on the primary. */
export async function makeTable(db: Mysql): Promise<void> {
  await db.run("make a table", sql`CREATE DATABASE IF NOT EXISTS test`);
  await db.run("make a table", sql`CREATE TABLE IF NOT EXISTS test.rows_ (id BIGINT PRIMARY KEY)`);
}

/** Writes a row. */
export async function insertRow(db: Mysql, id: number): Promise<void> {
  await db.run("write a row", sql`INSERT INTO test.rows_ VALUES (${id})`);
}

/** How many rows there are. */
export async function countRows(db: Mysql): Promise<number> {
  const [row] = await db.query("count rows", sql`SELECT COUNT(*) AS number FROM test.rows_`);
  return numberIn(row, "number");
}
