/** The example charm `mysql` among peers and servers that mean no good: one real unit, the others are made up. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { mysqlForTests, type MysqlPrograms } from "../../../build/install_mysql.ts";
import { ensureAccount } from "../../../interfaces/clients/mysql/accounts.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { readServer, userDatabases } from "../../../interfaces/clients/mysql/status.ts";
import { ModelError } from "../../model/checker.ts";
import { type Lab, withLab } from "../units.ts";
import { assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import { assertSays, openStranger, ready, silence, STRANGERS, tell } from "./bad_input_peers.ts";
import { SocketProxy } from "./bad_input_proxy.ts";
import { deployMysql, openUnit } from "./formation.ts";
import { MysqlLab } from "./lab.ts";
import { passwordsOf } from "./rotation.ts";
import { errorPacket, packet } from "./simulated_server.ts";

const UNIT = "mysql/0";
const PUPPET = "mysql/1";
const OTHER = "mysql/2";
/** Anything of it in a log or status is a leak. */
const CANARY = `canary-${crypto.randomUUID().replaceAll("-", "")}`;
const NASTY = [
  "'; DROP DATABASE mysql; -- ",
  '"\\x\\\\\'" OR 1=1 #',
  "a\0b\u001a\n\r\u2028",
  "$(touch /tmp/owned) `id`",
  "x".repeat(65_000),
];
const NOT_READY = /^waiting: Waiting for mysql\/1, mysql\/2 to be ready for clustering$/;
const ALONE = /^active: Unit is ready: Mode: R\/W, Cluster is ONLINE and cannot tolerate any failures\.$/;

const mysql = await mysqlForTests();

Deno.test({
  name: "mysql charm: bad peers, strangers at their addresses, a server that lies or breaks, refused actions",
  ignore: mysql === undefined,
  async fn(t) {
    if (!mysql) return;
    await withLab({ server: "mysqld" }, async (lab) => {
      silence(lab, [PUPPET, OTHER]);
      await deployMysql(lab, mysql, 3);
      await lab.settleUntil("a server without a cluster", () => NOT_READY.test(lab.statusOf(UNIT)));
      const step = async (name: string, run: (lab: Lab, programs: MysqlPrograms) => Promise<void>) => {
        let reason: unknown;
        if (!await t.step(name, () => run(lab, mysql).catch((error) => Promise.reject(reason = error)))) throw reason;
      };
      await step("addresses and ports that are none", badAddresses);
      await step("actions before there is a cluster", earlyActions);
      await step("a server of another version", otherVersion);
      await step("users and passwords that would be code", badLogins);
      await step("strangers at the address", strangers);
      await step("a foreign server at the address", foreignServer);
      await step("the own server breaks in the middle", brokenStatements);
      await step("actions with wrong parameters", badParameters);
      await using db = await openUnit(lab, UNIT);
      assertEquals(await userDatabases(db), []);
      const users = await db.query("list users", sql`SELECT User AS name FROM mysql.user WHERE Host = '%' ORDER BY 1`);
      assertEquals(users.map(({ name }) => name), ["clusterrecovery", "clusteruser"]);
      const secrets = await findSecrets(lab, [CANARY]);
      await assertNoSecretShows(lab, secrets);
    });
  },
});

async function badAddresses(lab: Lab): Promise<void> {
  const good = ready(3306, "clusteruser", `${CANARY}1`);
  const json = [...NASTY, "", "127.0.0.1:3306", "[::1]", "127.0.0.1 ", 7, true, ["127.0.0.1"], { host: "a" }]
    .map((value) => JSON.stringify(value));
  for (const address of [...json, "NaN", "{broken", "null", '"half']) {
    await tell(lab, PUPPET, { ...good, "cluster-address": address });
    assertSays(lab, UNIT, NOT_READY);
  }
  for (const port of ["NaN", "Infinity", "-1", "0", "65536", "3306.5", "1e99", '"3306"', '"3306; DROP"', "[3306]"]) {
    await tell(lab, PUPPET, { ...good, "cluster-port": port });
    assertSays(lab, UNIT, NOT_READY);
  }
}

async function earlyActions(lab: Lab): Promise<void> {
  await refused(lab, UNIT, "set-cluster-primary", { address: UNIT }, /^there is no cluster yet; wait until enough/);
  await refused(lab, UNIT, "remove-instance", { address: UNIT }, /^there is no cluster yet/);
  await refused(lab, UNIT, "add-instance", { address: UNIT }, /^there is no cluster yet/);
  await refused(lab, UNIT, "reboot-cluster-from-complete-outage", {}, /^there is no cluster yet/);
  await refused(lab, PUPPET, "set-password", {}, /^only the leader does this; run it on mysql\/leader$/);
  await refused(lab, PUPPET, "cluster-status", {}, /^MySQL is not set up on this unit yet/);
  lab.model.setLeader(PUPPET);
  for (const action of ["create-cluster", "set-password"]) {
    await refused(lab, PUPPET, action, {}, /^MySQL is not set up on this unit yet/);
    await refused(lab, UNIT, action, {}, /^only the leader does this/);
  }
  lab.model.setLeader(UNIT);
  await lab.model.settle();
}

/** Its own server says that it is of another version; the others say that they are ready. */
async function otherVersion(lab: Lab): Promise<void> {
  await using proxy = await SocketProxy.start(socketOf(lab));
  proxy.spoil({ replace: ["9.7.", "8.4."] });
  for (const unit of [PUPPET, OTHER]) await tell(lab, unit, ready(1, "clusteruser", `${CANARY}2`));
  assertSays(lab, UNIT, /^blocked: mysql\/0 cannot join the cluster: its version is 8\.4\.\d+ instead of 9\.7\.x$/);
  assert(proxy.connections > 0);
}

/** Port 1 has no server; these peers are ready as far as anybody can see, so the first unit makes its cluster. */
async function badLogins(lab: Lab): Promise<void> {
  using stranger = openStranger(STRANGERS["MySQL without TLS"] ?? (() => Promise.resolve()));
  for (const text of NASTY) {
    await tell(lab, PUPPET, ready(stranger.port, text, `${CANARY}${text}`));
    assertSays(lab, UNIT, /^waiting: mysql\/1 cannot join the cluster: .*does not offer TLS/);
  }
  assert(stranger.connections >= NASTY.length);
  for (const user of ['""', "7", "null", "NaN", "{}"]) {
    await tell(lab, PUPPET, { ...ready(stranger.port, "", CANARY), "cluster-user": user });
    assertSays(lab, UNIT, /^waiting: mysql\/2 cannot join the cluster: .*127\.0\.0\.1:1 \(connection refused\)/);
  }
}

async function strangers(lab: Lab): Promise<void> {
  const said: Readonly<Record<string, RegExp>> = {
    "a web server": /127\.0\.0\.1:\d+ is not MySQL; check address and port$/,
    "one that hangs up": /closed the connection/,
    "MySQL without TLS": /does not offer TLS/,
    "MySQL with a broken TLS": /certificate|closed the connection|not MySQL/,
    "one that says nothing": /no answer/,
  };
  await tell(lab, OTHER, { "cluster-address": "" });
  for (const [what, behave] of Object.entries(STRANGERS)) {
    using stranger = openStranger(behave);
    await tell(lab, PUPPET, ready(stranger.port, "clusteruser", `${CANARY}3`));
    assert(stranger.connections > 0, what);
    assertSays(lab, UNIT, /^waiting: mysql\/1 cannot join the cluster: /);
    assertMatch(lab.statusOf(UNIT), said[what] ?? /$^/);
  }
}

/** A real server of somebody else that would take the cluster's own password, which it is not to get. */
async function foreignServer(lab: Lab, programs: MysqlPrograms): Promise<void> {
  await using foreign = await MysqlLab.open(programs);
  const [server] = await foreign.add(1);
  assert(server);
  const password = passwordsOf(lab).clusteruser;
  await server.as(async (db) => {
    await ensureAccount(db, { user: "clusteruser", host: "%", password, role: "admin" }, { replicate: false });
    await db.run("have data", sql`CREATE DATABASE precious`);
  });
  const before = await server.as(stateOf);
  await tell(lab, PUPPET, ready(server.port, "clusteruser", `${CANARY}4`));
  assertSays(
    lab,
    UNIT,
    /^waiting: mysql\/1 cannot join the cluster: .* does not let the user in; check user and password$/,
  );
  await tell(lab, PUPPET, { "cluster-tls": "true" });
  assertSays(lab, UNIT, /^waiting: mysql\/1 cannot join the cluster: .*certificate is not trusted/);
  await tell(lab, PUPPET, ready(server.port, "clusteruser", password));
  assertSays(lab, UNIT, /^blocked: mysql\/1 has transactions that the cluster does not have/);
  const after = await server.as(stateOf);
  assertEquals(after, before);
  await tell(lab, PUPPET, { "cluster-address": "" });
}

/** Each statement of a hook breaks once, in one way or the other; afterwards all is well by itself. */
async function brokenStatements(lab: Lab): Promise<void> {
  lab.model.updateStatus();
  await lab.settleUntil("all well", () => ALONE.test(lab.statusOf(UNIT)));
  await using proxy = await SocketProxy.start(socketOf(lab));
  let statements = 0;
  proxy.spoil({ judge: (number) => (statements = number, "pass") });
  lab.model.updateStatus("mysql");
  await lab.model.settle();
  const all = statements;
  assert(all > 10, `only ${all} statements`);
  const error = packet(1, errorPacket(1064, `near '${CANARY}'`));
  const seen = new Set<string>();
  for (let at = 1; at <= all; at++) {
    proxy.spoil({ judge: (number) => number !== at ? "pass" : at % 2 === 0 ? "drop" : error });
    lab.model.updateStatus("mysql");
    await lab.model.settle();
    assertSays(lab, UNIT, /^(?:waiting: |active: Unit is ready)/);
    seen.add(lab.statusOf(UNIT).replaceAll(/ \/\S+/g, ""));
  }
  assert(seen.size > 2, `only these: ${[...seen].join("; ")}`);
  proxy.spoil({});
  await lab.settleUntil("all well again", () => ALONE.test(lab.statusOf(UNIT)));
  console.log(`  ${all} statements of an update-status broken, ${seen.size} different statuses`);

  const { connections } = proxy;
  await tell(lab, PUPPET, { note: "nothing" });
  assertEquals(proxy.connections, connections, "a settled hook connected");
}

async function badParameters(lab: Lab): Promise<void> {
  const actions = ["add-instance", "remove-instance", "rejoin-instance", "set-cluster-primary"];
  for (const action of actions) {
    for (const params of [{}, { address: 7 }, { address: UNIT, more: 1 }]) {
      await assertRejects(() => lab.model.run(UNIT, action, params), ModelError);
    }
    for (const address of ["", "mysql/9", "127.0.0.1' OR 1=1 -- ", "../0", "\0"]) {
      await refused(lab, UNIT, action, { address }, /is no unit of this application; give one of mysql\/0$/);
    }
  }
  await refused(
    lab,
    UNIT,
    "add-instance",
    { address: UNIT, method: "magic" },
    /must be one of: auto, incremental, clone$/,
  );
  await refused(
    lab,
    UNIT,
    "remove-instance",
    { address: UNIT },
    /^mysql\/0 is the only member; remove the application/,
  );
  await refused(lab, UNIT, "create-cluster", {}, /^there is a cluster already; see cluster-status$/);
  await refused(lab, UNIT, "reboot-cluster-from-complete-outage", {}, /is no complete outage/);
  lab.model.setLeader(PUPPET);
  for (const action of actions) await refused(lab, UNIT, action, { address: UNIT }, /^only the leader does this/);
  lab.model.setLeader(UNIT);
}

async function refused(
  lab: Lab,
  unit: string,
  action: string,
  params: Readonly<Record<string, unknown>>,
  why: RegExp,
): Promise<void> {
  const { status, message } = await lab.model.run(unit, action, params);
  assertEquals(status, "failed", `${unit} ${action} ${JSON.stringify(params)}`);
  assertMatch(message, why);
}

function socketOf(lab: Lab): string {
  return join(lab.unitDirectory(UNIT), "run/mysqld.sock");
}

/** What nobody is to change on a server of somebody else. */
async function stateOf(db: Parameters<typeof readServer>[0]): Promise<unknown> {
  const { gtidExecuted, groupName, superReadOnly } = await readServer(db);
  const users = await db.query("list users", sql`SELECT User AS name FROM mysql.user ORDER BY 1`);
  return {
    gtidExecuted,
    groupName,
    superReadOnly,
    users: users.map(({ name }) => name),
    data: await userDatabases(db),
  };
}
