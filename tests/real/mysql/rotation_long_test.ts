/** New passwords of the example charm `mysql` while members are down; what hooks and queries cost; lost majorities. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { readMetadata } from "../../../interfaces/clients/mysql/metadata.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { numberIn } from "../../../interfaces/clients/mysql/rows.ts";
import { readChannels, readServer } from "../../../interfaces/clients/mysql/status.ts";
import { type Lab, withLab } from "../units.ts";
import { assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import { connectionsOf, deployMysql, isWhole, killServer, openUnit, PATIENCE_MS, statesOf } from "./formation.ts";
import { assertKnown, assertNotLogged, type Passwords, passwordsOf, renew, takeAway } from "./rotation.ts";

const LEADER = "mysql/0";
const UNITS = [LEADER, "mysql/1", "mysql/2"];
const RUNS = 7;
const QUERIES = 15;

const mysql = await mysqlForTests();

Deno.test({
  name: "mysql charm: new passwords while members are down, figures, actions without a majority",
  ignore: mysql === undefined,
  async fn(t) {
    if (!mysql) return;
    await withLab({ server: "mysqld" }, async (lab) => {
      await deployMysql(lab, mysql, UNITS.length);
      await lab.settleUntil("a cluster of three", () => isWhole(lab, 3), PATIENCE_MS);
      const secrets = new Set<string>();
      const collect = async () => {
        for (const secret of await findSecrets(lab)) secrets.add(secret);
      };
      const step = async (name: string, run: (lab: Lab) => Promise<void>) => {
        await collect();
        let reason: unknown;
        if (!await t.step(name, () => run(lab).catch((error) => Promise.reject(reason = error)))) throw reason;
      };
      await step("what hooks and queries cost", costs);
      await step("no member keeps the leave to make another group", leaveIsTakenBack);
      await step("a member that is down during a change comes back", oneAway);
      await step("so does one whose unit knew the passwords before the servers did", oneEarly);
      await step("actions without a majority", noMajority);
      await collect();
      await assertNoSecretShows(lab, [...secrets]);
      const passwords = [...secrets].filter((secret) => /^[\w-]{32}$/.test(secret));
      assert(passwords.length >= 4, "old and new passwords are known");
      for (const unit of UNITS) await assertNotLogged(lab, unit, passwords);
    });
  },
});

Deno.test({
  name: "mysql charm: new passwords while a member is down, where Juju has no secrets",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withLab({ server: "mysqld", jujuVersion: "2.9.49" }, async (lab) => {
      await deployMysql(lab, mysql, UNITS.length);
      await lab.settleUntil("a cluster of three", () => isWhole(lab, 3), PATIENCE_MS);
      assertEquals(lab.model.world.secrets, {});
      const known = [passwordsOf(lab)];
      await oneAway(lab);
      known.push(passwordsOf(lab));
      const passwords = known.flatMap((each) => Object.values(each));
      const secrets = await findSecrets(lab, passwords);
      await assertNoSecretShows(lab, secrets);
      for (const unit of UNITS) await assertNotLogged(lab, unit, passwords);
    });
  },
});

/** A hook that made the cluster leaves it where it is killed at that very moment. */
async function leaveIsTakenBack(lab: Lab): Promise<void> {
  await using db = await openUnit(lab, LEADER);
  const read = async () => {
    const [row] = await db.query("read the leave", sql`SELECT @@group_replication_bootstrap_group AS leave_`);
    return numberIn(row, "leave_");
  };
  await db.run("leave it", sql`SET GLOBAL group_replication_bootstrap_group = ON`);
  assertEquals(await read(), 1);
  lab.model.updateStatus("mysql");
  await lab.settleUntil("its end", async () => await read() === 0);
}

async function oneAway(lab: Lab): Promise<void> {
  const [, , away = ""] = UNITS;
  const rest = UNITS.filter((unit) => unit !== away);
  let change: readonly [Passwords, Passwords];
  {
    using _ = await takeAway(lab, away);
    change = await renew(lab, LEADER);
    await lab.settleUntil("the new passwords on the others", async () => {
      for (const unit of rest) await assertKnown(lab, unit, change[1], true);
      return true;
    });
  }
  await untilAllKnow(lab, change);
}

/** The primary's hooks are late: another unit hears of new passwords first, and its server goes down before it has them. */
async function oneEarly(lab: Lab): Promise<void> {
  const [, early = ""] = UNITS;
  const change = await renew(lab, LEADER);
  lab.intercept = (unit, command) => unit === LEADER ? ["true"] : command;
  try {
    await lab.settleUntil("the unit to tell the new password", () => {
      const [relation] = Object.values(lab.model.world.relations);
      return relation?.unitBags[early]?.["cluster-password"] === JSON.stringify(change[1].clusteruser);
    });
    await assertKnown(lab, early, change[0], true);
    await killServer(lab, early);
  } finally {
    lab.intercept = (unit, command) => unit === early ? ["true"] : command;
  }
  await lab.settleUntil("the new passwords on the primary", async () => {
    await assertKnown(lab, LEADER, change[1], true);
    return true;
  });
  lab.intercept = undefined;
  await untilAllKnow(lab, change);
}

async function untilAllKnow(lab: Lab, [old, now]: readonly [Passwords, Passwords]): Promise<void> {
  const began = performance.now();
  await lab.settleUntil("all well again", async () => {
    for (const unit of UNITS) await assertKnown(lab, unit, now, true);
    return isWhole(lab, UNITS.length);
  }, PATIENCE_MS);
  console.log(`  back with the new passwords: ${Math.round(performance.now() - began)} ms`);
  assertEquals((await statesOf(lab, LEADER)).map(({ state }) => state), ["ONLINE", "ONLINE", "ONLINE"]);
  for (const unit of UNITS) await assertKnown(lab, unit, old, false);
}

/** Prints medians; only that a settled hook opens no connection is asserted. */
async function costs(lab: Lab): Promise<void> {
  const { model } = lab;
  const [, unit = ""] = UNITS;
  await lab.deploy({ charm: "magpie", units: 1, keepsNothing: true });
  await lab.settleUntil("the other charm", () => model.world.units["magpie/0"]?.agentStatus.status === "idle");
  const before = await connectionsOf(lab, unit);
  const from = model.timeline.length;
  for (let run = 0; run < RUNS; run++) {
    await model.exec(LEADER, `relation-set -r cluster:0 note=${run}`);
    await model.settle();
  }
  assertEquals(await connectionsOf(lab, unit), before + 1, "a settled hook connected");
  for (let run = 0; run < RUNS; run++) {
    model.updateStatus();
    await model.settle();
  }
  assert(await connectionsOf(lab, unit) > before + RUNS, "update-status asks the server");
  const runs = model.timeline.slice(from).filter(({ kind }) => kind === "hook");
  const cost = (name: string, of: string) =>
    median(runs.filter((run) => run.name === name && run.unit === of).map(({ start, end }) => end - start));
  console.log(
    `  a hook without work: ${cost("update-status", "magpie/0")} ms; settled relation-changed: ` +
      `${cost("cluster-relation-changed", unit)} ms; update-status with SQL: ${cost("update-status", unit)} ms, ` +
      `on the leader: ${cost("update-status", LEADER)} ms`,
  );
  await using db = await openUnit(lab, unit);
  for (const query of [readGroup, readServer, readChannels, readMetadata]) {
    const times: number[] = [];
    for (let run = 0; run < QUERIES; run++) {
      const start = performance.now();
      await query(db);
      times.push(performance.now() - start);
    }
    console.log(`  ${query.name}: ${median(times)} ms`);
  }
}

/** The last step: the cluster is not mended. */
async function noMajority(lab: Lab): Promise<void> {
  const [, secondary = "", other = ""] = UNITS;
  await killServer(lab, secondary);
  const refused = async (unit: string, action: string, params: Record<string, unknown>, why: RegExp) => {
    const { status, message } = await lab.model.run(unit, action, params);
    assertEquals(status, "failed", `${action} ${JSON.stringify(params)}`);
    assertMatch(message, why);
  };
  const down = { address: secondary };
  for (const action of ["rejoin-instance", "add-instance"]) {
    await refused(LEADER, action, down, /^MySQL of mysql\/1 does not answer; bring it back first$/);
  }
  await refused(LEADER, "remove-instance", down, /does not answer; bring it back, or run remove-instance again with/);
  await lab.waitFor("the group to notice", async () => {
    return (await statesOf(lab, LEADER)).filter(({ state }) => state === "ONLINE").length === 2;
  });
  await refused(LEADER, "set-cluster-primary", down, /^mysql\/1 is no online member; see cluster-status$/);
  await killServer(lab, other);
  await lab.waitFor("the end of the majority", async () => {
    await using db = await openUnit(lab, LEADER);
    return !(await readGroup(db)).quorum;
  });
  const lost = /^The cluster has lost its majority: bring .*mysql\/2.* back/;
  await refused(LEADER, "remove-instance", { address: other, force: true }, lost);
  for (const action of ["add-instance", "rejoin-instance", "set-cluster-primary"]) {
    await refused(LEADER, action, { address: other }, lost);
  }
  const { results } = await lab.model.run("mysql/1", "cluster-status");
  assertEquals([results.status, results.primary], ["NO_QUORUM", ""]);
  for (const unit of [secondary, other]) {
    for (const action of ["add-instance", "remove-instance", "rejoin-instance", "set-cluster-primary"]) {
      await refused(unit, action, down, /^only the leader does this; run it on mysql\/leader$/);
    }
    for (const action of ["create-cluster", "set-password", "reboot-cluster-from-complete-outage"]) {
      await refused(unit, action, {}, /^only the leader does this; run it on mysql\/leader$/);
    }
  }
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0);
}
