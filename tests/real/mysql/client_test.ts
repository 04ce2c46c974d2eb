import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { InputError, NotPermittedError } from "../../../interfaces/clients/errors.ts";
import { ensureAccount } from "../../../interfaces/clients/mysql/accounts.ts";
import { readMode } from "../../../interfaces/clients/mysql/cluster_set/modes.ts";
import { ReadOnlyError } from "../../../interfaces/clients/mysql/errors.ts";
import { GtidSet } from "../../../interfaces/clients/mysql/gtid.ts";
import {
  createGroup,
  dissolveGroup,
  leaveGroup,
  setPrimary,
  startMember,
  stopMember,
} from "../../../interfaces/clients/mysql/group.ts";
import { configureInstance, ensurePlugins } from "../../../interfaces/clients/mysql/instance.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { readMetadata, registerInstance, syncInstances } from "../../../interfaces/clients/mysql/metadata.ts";
import { chooseCandidate, readKnowledge } from "../../../interfaces/clients/mysql/outage.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { numberIn, textIn } from "../../../interfaces/clients/mysql/rows.ts";
import { readChannels, readServer, readSettings, userDatabases } from "../../../interfaces/clients/mysql/status.ts";
import { checkFencing, checkRouter, checkUsers } from "./client_steps.ts";
import {
  ADMIN,
  clone,
  countRows,
  insertRow,
  makeTable,
  methodFor,
  place,
  prepare,
  records,
  RECOVERY,
  timed,
  until,
  untilGroup,
} from "./cluster.ts";
import { type LabServer, MysqlLab } from "./lab.ts";

const GROUP = crypto.randomUUID();
const programs = await mysqlForTests();

Deno.test({
  name: "mysql: the life of a cluster",
  ignore: programs === undefined,
  fn: async (t) => {
    assert(programs);
    await using lab = await MysqlLab.open(programs);
    const [a, b, c] = await timed("3 servers from nothing", "10 s for six", () => lab.add(3)) as LabServer[];
    assert(a && b && c);
    const all = [a, b, c];

    await t.step("create and two joins", async () => {
      await timed("3 servers configured", "0.2 s each", () => prepare(all, GROUP));
      await timed("create", "1.2 s", () => a.as((db) => createGroup(db)));
      for (const server of [b, c]) {
        await timed("join", "1.8-2.7 s", async () => assertEquals(await server.as((db) => startMember(db)), "online"));
      }
      const group = await untilGroup("all are online", a, ({ online }) => online === 3);
      assertEquals([group.primary?.port, group.quorum, group.writable], [a.port, true, true]);
      assert(!(await b.as(readGroup)).writable);
      assertEquals((await a.as(readServer)).gtidExecuted, "");
      // Left on, the next start would make a second group.
      const bootstrap = await a.as((db) => readSettings(db, ["group_replication_bootstrap_group"]));
      assertEquals([...bootstrap.values()], ["OFF"]);
    });

    await t.step("each step again changes nothing", async () => {
      await a.as(async (db) => {
        await createGroup(db);
        assertEquals(await startMember(db), "online");
        assertEquals(await ensurePlugins(db), false);
        const seeds = all.map(({ host, port }) => ({ host, port }));
        assertEquals(await configureInstance(db, { host: a.host, port: a.port, groupName: GROUP, seeds }), false);
        // A setting that was lost is kept again; the primary takes writes all the while.
        await db.run("lose a setting", sql`RESET PERSIST IF EXISTS super_read_only`);
        assertEquals(await configureInstance(db, { host: a.host, port: a.port, groupName: GROUP, seeds }), true);
        assertEquals(await configureInstance(db, { host: a.host, port: a.port, groupName: GROUP, seeds }), false);
        assertEquals(await ensureAccount(db, ADMIN, { replicate: true }), false);
        assertEquals(await ensureAccount(db, RECOVERY, { replicate: true }), false);
        assert((await readGroup(db)).writable);
        assertEquals((await readServer(db)).gtidExecuted, "");
      });
    });

    await t.step("status queries are quick on an open connection", async () => {
      await using db = await a.connect();
      for (
        const [what, read] of Object.entries({ readGroup, readServer, readChannels, readMode, userDatabases })
      ) {
        const start = performance.now();
        for (let round = 0; round < 20; round++) await read(db);
        console.log(`${what}: ${((performance.now() - start) / 20).toFixed(1)} ms (at most 20 ms)`);
      }
    });

    await t.step("primary switch, asked of any member", async () => {
      await using db = await c.connectRemote(ADMIN.user, ADMIN.password);
      const target = (await readGroup(db)).members.find(({ port }) => port === b.port);
      assert(target);
      await timed("primary switch", "0.06-0.08 s", () => setPrimary(db, target.uuid));
      await setPrimary(db, target.uuid);
      await untilGroup("the new primary takes writes", b, (group) => group.writable);
      assert(!(await a.as(readGroup)).writable);
      await assertRejects(() => setPrimary(db, crypto.randomUUID()), InputError);
      await assertRejects(() => setPrimary(db, "x' OR '1"), InputError);
      await assertRejects(() => a.as(makeTable), ReadOnlyError);
    });

    await t.step("fenced is told from read-only", () => checkFencing(b, a));
    await t.step("users: role, new password, hostile passwords, nothing in logs", () => checkUsers(b, a, all));

    await t.step("a recovery user may do no more than recover", async () => {
      await using db = await b.connectRemote(RECOVERY.user, RECOVERY.password);
      await assertRejects(() => makeTable(db), NotPermittedError);
      await assertRejects(() => stopMember(db), NotPermittedError);
    });

    await t.step("metadata and Router", () => checkRouter(b, a, GROUP));

    await t.step("a member leaves and comes back", async () => {
      await timed("stop", "3.7 s", () => c.as(stopMember));
      await c.as(stopMember);
      assertEquals((await c.as(readGroup)).self?.state, "OFFLINE");
      await timed("rejoin", "2.8 s", async () => assertEquals(await c.as((db) => startMember(db)), "online"));
      await timed("remove", "3.1-3.7 s", () => c.as(leaveGroup));
      await c.as(leaveGroup);
      const facts = await c.as(readServer);
      assert(facts.superReadOnly && !facts.startOnBoot);
      assertEquals(await c.as(readChannels), []);
      const group = await untilGroup("the others forget it", a, ({ members }) => members.length === 2);
      await a.as(async (db) => {
        const clusterId = (await readMetadata(db))?.clusters[0]?.clusterId ?? "";
        const left = (await c.as(readServer)).uuid;
        const rest = (await readMetadata(db))?.instances.get(clusterId)?.filter(({ uuid }) => uuid !== left) ?? [];
        assertEquals(await syncInstances(db, clusterId, rest), true);
        assertEquals(await syncInstances(db, clusterId, rest), false);
        assertEquals((await readMetadata(db))?.instances.get(clusterId)?.length, group.members.length);
      });
    });

    await t.step("binary logs are purged: a clone is the way back", async () => {
      for (const server of [a, b]) {
        await server.as(async (db) => {
          await db.run("begin a new log", sql`FLUSH LOCAL BINARY LOGS`);
          const logs = await db.query("list logs", sql`SHOW BINARY LOGS`);
          await db.run("purge logs", sql`PURGE BINARY LOGS TO ${textIn(logs.at(-1), "Log_name")}`);
        });
      }
      await a.as((db) => insertRow(db, 1000));
      // As a new unit would come: with nothing.
      await c.as(async (db) => {
        await db.run("open", sql`SET GLOBAL super_read_only = OFF`);
        await db.run("forget everything", sql`RESET BINARY LOGS AND GTIDS`);
      });
      assertEquals(await methodFor(c, [a, b]), "clone");
      await timed("clone", "4.5-6.6 s", () => clone(c, b));
      await place(c, all, GROUP);
      assertEquals(await c.as((db) => startMember(db)), "online");
      assertEquals(await c.as(countRows), await a.as(countRows));
      assertEquals(await methodFor(c, [a, b]), "incremental");
    });

    await t.step("complete outage: the one with all data starts", async () => {
      await c.as(stopMember);
      await a.as((db) => insertRow(db, 2000));
      await b.as(async (db) => await until("it is on b", async () => await countRows(db) === await a.as(countRows)));
      const rows = await a.as(countRows);
      await Promise.all(all.map((server) => server.kill()));
      await timed("3 servers up again", "3.9 s", () => Promise.all(all.map((server) => server.start())));
      const knowledge = await Promise.all(all.map((server) => server.as((db) => readKnowledge(db, server))));
      const chosen = chooseCandidate(knowledge);
      assertNotEquals(chosen.port, c.port);
      const first = all.find(({ port }) => port === chosen.port);
      assert(first);
      await timed("create again", "1.2 s", () => first.as((db) => createGroup(db)));
      for (const server of all.filter((each) => each !== first)) {
        await timed("join again", "2.1-2.7 s", async () => {
          assertEquals(await server.as((db) => startMember(db)), "online");
        });
      }
      for (const server of all) {
        await until("all rows are there", async () => await server.as(countRows) === rows);
      }
      const clusterId = (await first.as(readMetadata))?.clusters[0]?.clusterId ?? "";
      const record = records(await first.as(readGroup)).find(({ port }) => port === c.port);
      assert(record);
      await first.as(async (db) => {
        assertEquals(await registerInstance(db, clusterId, record), true);
        assertEquals(await registerInstance(db, clusterId, record), false);
      });
    });

    await t.step("sets of transactions are compared as the server does it", async () => {
      await using db = await a.connect();
      const set = (await readServer(db)).gtidExecuted;
      const parts = set.split(",");
      assertMatch(set, /:1-\d+/);
      for (
        const [left, right] of [[set, parts[0] ?? ""], [parts[0] ?? "", set], [set, `${GROUP}:1`], [
          `${GROUP}:1-99999`,
          set,
        ]]
      ) {
        const [row] = await db.query(
          "compare",
          sql`SELECT GTID_SUBSET(${right ?? ""}, ${left ?? ""}) AS within, GTID_SUBTRACT(${left ?? ""}, ${
            right ?? ""
          }) AS rest`,
        );
        const [ours, theirs] = [GtidSet.parse(left ?? ""), GtidSet.parse(right ?? "")];
        assertEquals(ours.contains(theirs), numberIn(row, "within") === 1);
        assert(ours.subtract(theirs).equals(GtidSet.parse(textIn(row, "rest"))));
      }
    });

    await t.step("dissolve", async () => {
      await timed("dissolve", "9.3 s one after the other, 3 s together", async () => {
        const members = await Promise.all(all.map((server) => server.connect()));
        await dissolveGroup(members);
        await dissolveGroup(members);
        await Promise.all(members.map((db) => db.close()));
      });
      for (const server of all) {
        const facts = await server.as(readServer);
        assert(facts.superReadOnly);
        assertEquals((await server.as(readGroup)).self?.state, "OFFLINE");
      }
    });
  },
});
