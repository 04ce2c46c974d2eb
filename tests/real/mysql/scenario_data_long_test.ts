/** Members whose data or passwords do not fit the cluster's, under writes through a Router. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { setPassword } from "../../../interfaces/clients/mysql/accounts.ts";
import { GtidSet } from "../../../interfaces/clients/mysql/gtid.ts";
import { stopMember } from "../../../interfaces/clients/mysql/group.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { textIn } from "../../../interfaces/clients/mysql/rows.ts";
import { readServer, userDatabases } from "../../../interfaces/clients/mysql/status.ts";
import { openUnit } from "./formation.ts";
import { type Scene, underWrites, withMysql } from "./scenario.ts";

const mysql = await mysqlForTests();

Deno.test({
  name: "mysql: a member with transactions of its own, one that lags behind all binary logs, a wrong recovery password",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withMysql(mysql, 3, async (scene) => {
      await underWrites("a member with transactions of its own, then a clone on request", scene, () => errant(scene));
      await underWrites("binary logs purged while a member was away: a clone", scene, () => purged(scene));
      await underWrites("the recovery user's password is wrong, then mended", scene, () => wrongPassword(scene));
    });
  },
});

/** A member that does not lead and takes no writes. */
async function follower(scene: Scene): Promise<string> {
  return (await scene.secondaries()).find((unit) => unit !== scene.leader) ?? "";
}

async function errant(scene: Scene): Promise<void> {
  const { lab } = scene;
  const unit = await follower(scene);
  {
    await using db = await openUnit(lab, unit);
    await stopMember(db);
    await db.run("open the server", sql`SET GLOBAL super_read_only = OFF`);
    await db.run("write on the side", sql`CREATE DATABASE errant`);
  }
  await scene.untilSaid(
    [unit],
    `blocked: ${unit} has transactions that the cluster does not have: save what they hold`,
  );
  const others = scene.units().filter((each) => each !== unit);
  await scene.untilSaid(others, `cannot tolerate any failures. ${unit} is not in it.`);
  const { status, message } = await lab.model.run(scene.leader, "add-instance", { address: unit });
  assertEquals(status, "failed");
  assertMatch(message, /run add-instance with address=mysql\/\d method=clone on the leader$/);
  await scene.run("add-instance", { address: unit, method: "clone" });
  await scene.untilWhole(3);
  await using db = await openUnit(lab, unit);
  assertEquals(await userDatabases(db), ["test"]);
}

async function purged(scene: Scene): Promise<void> {
  const { lab } = scene;
  const unit = await follower(scene);
  await using db = await openUnit(lab, unit);
  await stopMember(db);
  const has = GtidSet.parse((await readServer(db)).gtidExecuted);
  for (const other of scene.units().filter((each) => each !== unit)) {
    await using donor = await openUnit(lab, other);
    await lab.waitFor(`a row on ${other} alone`, async () => {
      return !has.contains(GtidSet.parse((await readServer(donor)).gtidExecuted));
    });
    await donor.run("begin a new log", sql`FLUSH LOCAL BINARY LOGS`);
    const logs = await donor.query("list logs", sql`SHOW BINARY LOGS`);
    await donor.run("purge logs", sql`PURGE BINARY LOGS TO ${textIn(logs.at(-1), "Log_name")}`);
  }
  await scene.untilWhole(3);
  assert(lab.model.log(unit).some(({ message }) => message.includes(`${unit} gets a copy of the data of`)), "a clone");
}

async function wrongPassword(scene: Scene): Promise<void> {
  const { lab } = scene;
  const unit = await follower(scene);
  {
    await using db = await openUnit(lab, unit);
    await stopMember(db);
    await using primary = await openUnit(lab, await scene.primary());
    await setPassword(primary, { user: "clusterrecovery", host: "%", password: "somebody-changed-it" });
  }
  await scene.untilSaid(
    [unit],
    `blocked: ${unit} cannot join the cluster, which has another password of the recovery user`,
  );
  await scene.run("set-password");
  await scene.untilWhole(3);
}
