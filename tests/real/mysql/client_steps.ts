/**
 * Parts of the life of a cluster that need a file of their own: users, fencing, Router.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { InputError } from "../../../interfaces/clients/errors.ts";
import { checkPassword, dropAccount, ensureAccount, setPassword } from "../../../interfaces/clients/mysql/accounts.ts";
import { NotDoneError, ReadOnlyError } from "../../../interfaces/clients/mysql/errors.ts";
import { readMode } from "../../../interfaces/clients/mysql/cluster_set/modes.ts";
import { isReplica, OPEN_PRIMARY } from "../../../interfaces/clients/mysql/fencing.ts";
import { setPrimary } from "../../../interfaces/clients/mysql/group.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import {
  ensureCluster,
  listRouters,
  readMetadata,
  removeRouter,
  syncInstances,
} from "../../../interfaces/clients/mysql/metadata.ts";
import { ensureMetadata } from "../../../interfaces/clients/mysql/metadata_schema.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { readChannels, readServer } from "../../../interfaces/clients/mysql/status.ts";
import { insertRow, makeTable, records, timed, until } from "./cluster.ts";
import type { LabServer } from "./lab.ts";
import { Router } from "./router.ts";

/**
 * A cluster that is read-only on purpose is told from one that is not.
 *
 * @param b the primary
 * @param a a secondary
 */
export async function checkFencing(b: LabServer, a: LabServer): Promise<void> {
  await using db = await b.connect();
  const [open, closed] = [
    { superReadOnly: false, readOnly: false, opening: true },
    { superReadOnly: true, readOnly: true, opening: false },
  ];
  assertEquals(await readMode(db), open);
  const change = async (verb: "disable" | "enable", readOnly: 0 | 1) => {
    const action = verb === "disable"
      ? sql`SELECT group_replication_disable_member_action(${OPEN_PRIMARY}, 'AFTER_PRIMARY_ELECTION')`
      : sql`SELECT group_replication_enable_member_action(${OPEN_PRIMARY}, 'AFTER_PRIMARY_ELECTION')`;
    await db.run("open", sql`SET GLOBAL super_read_only = 0`);
    await db.run("change the action", action);
    await db.run("close or open", sql`SET GLOBAL super_read_only = ${readOnly}`);
  };
  await change("disable", 1);
  assertEquals(await readMode(db), closed);
  assert(!(await readGroup(db)).writable);
  await until("the secondary to hear of it", async () => !(await a.as(readMode)).opening);
  assertEquals(isReplica(await readChannels(db)), false);
  await change("enable", 0);
  await db.run("open for everybody", sql`SET GLOBAL read_only = 0`);
  assertEquals(await readMode(db), open);
  assert((await readGroup(db)).writable);
}

/**
 * Users, new passwords, hostile passwords; none of them is in a log.
 *
 * @param b the primary
 * @param a a secondary
 */
export async function checkUsers(b: LabServer, a: LabServer, all: readonly LabServer[]): Promise<void> {
  const app = { user: "o'brien", host: "%", password: "first'\\", role: "admin" } as const;
  await b.as(async (db) => {
    assertEquals(await ensureAccount(db, app, { replicate: true }), true);
    assertEquals(await ensureAccount(db, app, { replicate: true }), false);
  });
  const login = (server: LabServer, user: string, password: string) =>
    checkPassword({ at: { socketPath: server.socketPath }, user, password });
  await until("the user is everywhere", async () => await login(a, app.user, app.password));
  const hostile = ["'; DROP USER root; -- ", "\\", "a\\'b\"c`d?e", "ü\u{1F600}\u2028", " spaces ", "%s\t$1"];
  for (const password of hostile) {
    await b.as((db) => setPassword(db, { ...app, password }));
    assert(await login(b, app.user, password), JSON.stringify(password));
  }
  assert(!await login(b, app.user, app.password));
  await until("the last one is everywhere", async () => await login(a, app.user, hostile.at(-1) ?? ""));
  await assertRejects(() => a.as((db) => setPassword(db, { ...app, password: "x" })), ReadOnlyError);
  assertEquals(await b.as((db) => dropAccount(db, app)), true);
  assertEquals(await b.as((db) => dropAccount(db, app)), false);
  for (const server of all) {
    const files = await Array.fromAsync(Deno.readDir(join(server.directory, "data")));
    const logs = files.filter(({ name }) => /^(?:binlog|relay-bin.*)\.\d+$/.test(name)).map(({ name }) =>
      `data/${name}`
    );
    assert(logs.length > 0);
    for (const log of [...logs, "log/error.log"]) {
      const text = new TextDecoder("latin1").decode(await Deno.readFile(join(server.directory, log)));
      for (const secret of ["first'", "DROP USER root", "DROP USER x", `a'"`]) {
        assert(!text.includes(secret), `${log} has a password in it`);
      }
    }
  }
}

/**
 * Metadata and two Routers, one with a user of its own and one with a given one.
 *
 * @param b the primary
 * @param a a secondary, primary afterwards
 */
export async function checkRouter(b: LabServer, a: LabServer, groupName: string): Promise<void> {
  const group = await b.as(readGroup);
  const cluster = await b.as(async (db) => {
    assertEquals(await readMetadata(db), undefined);
    assertEquals(await listRouters(db), []);
    assertEquals(await timed("metadata schema", "", () => ensureMetadata(db)), true);
    assertEquals(await ensureMetadata(db), false);
    const made = await ensureCluster(db, { name: "jujuCluster", groupName });
    assertEquals(await ensureCluster(db, { name: "other", groupName }), made);
    await assertRejects(
      () => ensureCluster(db, { name: "jujuCluster", groupName: crypto.randomUUID() }),
      NotDoneError,
    );
    await assertRejects(() => ensureCluster(db, { name: "a'b", groupName }), InputError);
    assertEquals(await syncInstances(db, made.clusterId, records(group)), true);
    assertEquals(await syncInstances(db, made.clusterId, records(group)), false);
    await makeTable(db);
    return made;
  });
  await using own = await timed("Router bootstrapped", "0.27 s", () => Router.start(b));
  const account = { user: "routers", host: "%", password: `p'"\\`, role: "router" } as const;
  await b.as(async (db) => {
    assertEquals(await ensureAccount(db, account, { replicate: true }), true);
    assertEquals(await ensureAccount(db, account, { replicate: true }), false);
  });
  await using given = await Router.start(b, account);
  let row = 0;
  for (const router of [own, given]) {
    await until("Router takes writes to the primary", async () => {
      await using db = await router.write();
      await insertRow(db, ++row);
      return (await readServer(db)).reportPort === b.port;
    });
    await until("Router reads from a secondary", async () => {
      await using db = await router.read();
      return (await readServer(db)).reportPort !== b.port;
    });
    await using db = await router.read();
    await assertRejects(() => insertRow(db, 99), ReadOnlyError);
  }
  await timed("Router follows a primary switch", "0.45 s", async () => {
    await b.as(async (db) => await setPrimary(db, group.members.find(({ port }) => port === a.port)?.uuid ?? ""));
    await until("Router has found the new primary", async () => {
      await using db = await own.write();
      await insertRow(db, ++row);
      return (await readServer(db)).reportPort === a.port;
    });
  });
  await a.as(async (db) => {
    const routers = await listRouters(db);
    assertEquals(routers.map(({ clusterId }) => clusterId), [cluster.clusterId, cluster.clusterId]);
    assertEquals(await removeRouter(db, routers[1]?.id ?? 0), true);
    assertEquals(await removeRouter(db, routers[1]?.id ?? 0), false);
    assertEquals((await listRouters(db)).length, 1);
  });
}
