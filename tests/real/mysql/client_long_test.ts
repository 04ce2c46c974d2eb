import { assert, assertEquals, assertRejects } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { InputError, NoQuorumError } from "../../../interfaces/clients/errors.ts";
import {
  checkPassword,
  setOfflinePassword,
  setPassword,
  setRecoveryCredentials,
} from "../../../interfaces/clients/mysql/accounts.ts";
import { cloneFrom, readClone } from "../../../interfaces/clients/mysql/clone.ts";
import { GroupRefusedError, NotDoneError, OutageError } from "../../../interfaces/clients/mysql/errors.ts";
import {
  createGroup,
  forceQuorum,
  setPrimary,
  startMember,
  stopMember,
} from "../../../interfaces/clients/mysql/group.ts";
import { type Group, readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { chooseCandidate, readKnowledge } from "../../../interfaces/clients/mysql/outage.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { readSettings, startInProgress, userDatabases } from "../../../interfaces/clients/mysql/status.ts";
import {
  clone,
  comeBack,
  countRows,
  form,
  insertRow,
  makeTable,
  methodFor,
  place,
  prepare,
  RECOVERY,
  timed,
  until,
  untilGroup,
} from "./cluster.ts";
import { type LabServer, MysqlLab } from "./lab.ts";

const programs = await mysqlForTests();

/** A group of three with a table; a is the primary. */
async function cluster(lab: MysqlLab): Promise<[LabServer, LabServer, LabServer, string]> {
  const [a, b, c] = await lab.add(3);
  assert(a && b && c);
  const groupName = crypto.randomUUID();
  await prepare([a, b, c], groupName);
  await form([a, b, c]);
  await a.as(makeTable);
  return [a, b, c, groupName];
}

const stateOf = (group: Group, { port }: LabServer) => group.members.find((member) => member.port === port)?.state;

Deno.test({
  name: "mysql: members killed, and back before and after they are expelled",
  ignore: programs === undefined,
  fn: async () => {
    assert(programs);
    await using lab = await MysqlLab.open(programs);
    const [a, b, c] = await cluster(lab);
    await c.kill();
    await c.start();
    await timed("rejoin after kill -9, before expulsion", "31 s", () => comeBack(c));
    // It knows so before the others do.
    for (const server of [a, b, c]) await untilGroup("all are online", server, ({ online }) => online === 3);
    await a.as((db) => insertRow(db, 1));
    const dead = performance.now();
    await a.kill();
    const seconds = () => `${((performance.now() - dead) / 1000).toFixed(1)} s`;
    await untilGroup("the others miss it", b, (group) => stateOf(group, a) === "UNREACHABLE");
    console.log(`unreachable after ${seconds()} (6 s)`);
    const group = await untilGroup(
      "a new primary is elected",
      b,
      ({ primary }) => primary !== undefined && primary.port !== a.port,
    );
    console.log(`new primary after ${seconds()} (21-22 s)`);
    const primary = [b, c].find(({ port }) => port === group.primary?.port);
    assert(primary);
    await untilGroup("the new primary takes writes", primary, ({ writable }) => writable);
    await untilGroup("the dead one is expelled", primary, (now) => stateOf(now, a) === undefined);
    await primary.as((db) => insertRow(db, 2));
    await a.start();
    await timed("rejoin after expulsion", "15-18 s", () => comeBack(a));
    await until("it has the row that it missed", async () => await a.as(countRows) === 2);
  },
});

Deno.test({
  name: "mysql: two of three lost, the third goes on by force",
  ignore: programs === undefined,
  fn: async () => {
    assert(programs);
    await using lab = await MysqlLab.open(programs);
    const [a, b, c] = await cluster(lab);
    await a.as((db) => insertRow(db, 1));
    await b.as(async (db) => await until("the row is on b", async () => await countRows(db) === 1));
    await Promise.all([a.kill(), c.kill()]);
    const left = await untilGroup("no majority", b, ({ quorum }) => !quorum);
    assertEquals([left.self?.state, left.writable], ["ONLINE", false]);
    await assertRejects(() => b.as((db) => setPrimary(db, left.self?.uuid ?? "")), NoQuorumError);
    await assertRejects(() => b.as((db) => forceQuorum(db, [a, b])), InputError, "cannot be reached");
    await assertRejects(() => b.as((db) => forceQuorum(db, [a])), InputError, "not among");
    await timed("force quorum", "34.5 s", () => b.as((db) => forceQuorum(db, [b])));
    const forced = await untilGroup("the survivor takes writes", b, ({ writable }) => writable);
    assertEquals(forced.members.length, 1);
    // Left set, no member could be started there again.
    const forcing = await b.as((db) => readSettings(db, ["group_replication_force_members"]));
    assertEquals([...forcing.values()], [""]);
    await b.as((db) => forceQuorum(db, [b]));
    await b.as((db) => insertRow(db, 2));
    for (const server of [a, c]) {
      await server.start();
      assertEquals(await methodFor(server, [b]), "incremental");
      await comeBack(server);
      await until("all rows are there", async () => await server.as(countRows) === 2);
    }
  },
});

Deno.test({
  name: "mysql: complete outage, the newest row received but not applied, its primary lost",
  ignore: programs === undefined,
  fn: async () => {
    assert(programs);
    await using lab = await MysqlLab.open(programs);
    const [a, b, c] = await cluster(lab);
    await a.as((db) => insertRow(db, 1));
    for (const server of [b, c]) await until("the row is there", async () => await server.as(countRows) === 1);
    await using held = await b.connect();
    await using alsoHeld = await c.connect();
    // Held back on both: received, acknowledged to the client, not executed.
    for (const db of [held, alsoHeld]) await db.run("hold writes", sql`FLUSH TABLES WITH READ LOCK`);
    await a.as((db) => insertRow(db, 2));
    await until("the newest is received", async () => {
      const known = await Promise.all([b, c].map((server) => server.as((db) => readKnowledge(db, server))));
      const { executed } = await a.as((db) => readKnowledge(db, a));
      return known.every(({ all, executed: has }) => all.contains(executed) && !has.contains(executed));
    });
    await Promise.all([a, b, c].map((server) => server.kill()));
    await Promise.all([b.start(), c.start()]);
    const known = await Promise.all([b, c].map((server) => server.as((db) => readKnowledge(db, server))));
    const lost = [`${a.host}:${a.port}`];
    assertEquals(
      (await assertRejects(() => Promise.resolve().then(() => chooseCandidate(known, lost)), OutageError)).reason,
      "unasked",
    );
    const chosen = chooseCandidate(known, lost, { force: true });
    const [first, second] = chosen.port === b.port ? [b, c] : [c, b];
    await first.as((db) => createGroup(db));
    assertEquals(await first.as(countRows), 2);
    assertEquals(await second.as((db) => startMember(db)), "online");
    await until("all rows are there", async () => await second.as(countRows) === 2);
    const again = await first.as((db) => readKnowledge(db, first));
    const error = await assertRejects(() => Promise.resolve().then(() => chooseCandidate([again])), OutageError);
    assertEquals(error.reason, "running");
  },
});

Deno.test({
  name: "mysql: refused joins end, say so and can be mended",
  ignore: programs === undefined,
  fn: async (t) => {
    assert(programs);
    await using lab = await MysqlLab.open(programs);
    const [a, b, c, groupName] = await cluster(lab);
    const [d] = await lab.add(1);
    assert(d);
    const all = [a, b, c, d];

    await t.step("a recovery password that changed meanwhile, and transactions of its own", async () => {
      await prepare([d], groupName);
      await place(d, all, groupName);
      await d.as(async (db) => {
        await db.run("open", sql`SET GLOBAL super_read_only = OFF`);
        await db.run("write on its own", sql`CREATE DATABASE errant`);
      });
      assertEquals(await methodFor(d, [a, b, c]), "refused");
      await c.as(stopMember);
      const changed = { ...RECOVERY, password: "changed" };
      await a.as((db) => setPassword(db, changed));
      for (const server of [a, b, d]) await server.as((db) => setRecoveryCredentials(db, changed));
      await d.as((db) => setOfflinePassword(db, changed));
      await timed("two refused at the same time", "61 s", async () => {
        const refused = async (server: LabServer) => {
          const error = await assertRejects(() => server.as((db) => startMember(db)), GroupRefusedError);
          assertEquals(error.number, 3092);
        };
        await Promise.all([c, d].map(refused));
      });
      await c.as((db) => setRecoveryCredentials(db, changed));
      await c.as((db) => setOfflinePassword(db, changed));
      assertEquals(await c.as((db) => startMember(db)), "online");
      await assertRejects(() => c.as((db) => setOfflinePassword(db, changed)), NotDoneError, "ONLINE");
      await a.as((db) => setPassword(db, RECOVERY));
      for (const server of [a, b, c]) {
        await server.as((db) => setRecoveryCredentials(db, RECOVERY));
        const at = { socketPath: server.socketPath };
        await until("the old password is everywhere again", () => checkPassword({ at, ...RECOVERY }));
      }
    });

    await t.step("a clone takes its own transactions away", async () => {
      await clone(d, a);
      assertEquals(await d.as(userDatabases), ["test"]);
      assertEquals(await d.as((db) => startMember(db)), "online");
      const donor = { host: a.host, port: a.port, user: RECOVERY.user, password: RECOVERY.password };
      await assertRejects(() => d.as((db) => cloneFrom(db, donor)), NotDoneError, "ONLINE");
    });

    await t.step("calls that are cut off go on at the server", async () => {
      await c.as(stopMember);
      assertEquals(await c.as((db) => startMember(db, { patienceMs: 50 })), "running");
      await until("it has begun", async () => {
        return await c.as(startInProgress) || (await c.as(readGroup)).self?.state !== "OFFLINE";
      });
      await untilGroup("it is online all the same", c, ({ self }) => self?.state === "ONLINE");
      await until("the start has ended", async () => !await c.as(startInProgress));
      await c.as(stopMember);
      const donor = { host: a.host, port: a.port, user: RECOVERY.user, password: RECOVERY.password };
      const before = await lab.manager.state(c.spec);
      assertEquals(await c.as((db) => cloneFrom(db, donor, { patienceMs: 50 })), "running");
      await until("it restarts all the same", async () => {
        const { running, pid } = await lab.manager.state(c.spec);
        return running && pid !== before.pid;
      });
      await c.waitUp();
      assertEquals((await c.as(readClone)).state, "completed");
      assertEquals(await c.as((db) => startMember(db)), "online");
    });
  },
});
