/** The clients of Patroni and PostgreSQL against three real members. */
import { assert, assertEquals, assertNotMatch, assertRejects } from "@std/assert";
import {
  AuthenticationError,
  CertificateError,
  ClientTimeoutError,
  InputError,
  MissingError,
  UnreachableError,
} from "../../../interfaces/clients/errors.ts";
import { type PatroniReason, PatroniRefusedError } from "../../../interfaces/clients/patroni/errors.ts";
import { synchronousConfig, synchronousNodeCount } from "../../../interfaces/clients/patroni/config_file.ts";
import { openPostgres } from "../../../interfaces/clients/postgresql/client.ts";
import { createAuthority } from "../etcd/certificates.ts";
import { eventually, type Lab, type LabMember, PATIENCE_MS, PORTS, startLab, USERS } from "./lab.ts";

/** Runs something and prints how long it took. */
async function measured<T>(what: string, run: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await run();
  console.log(`${what}: ${Math.round(performance.now() - start)} ms`);
  return result;
}

async function refuses(reason: PatroniReason, call: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(call, PatroniRefusedError);
  assertEquals(error.reason, reason, error.message);
}

function membersOf(lab: Lab, primary: LabMember): { replica: LabMember; other: LabMember } {
  const [replica, other] = lab.members.filter((member) => member !== primary);
  assert(replica && other);
  return { replica, other };
}

/** Milliseconds for calls that wait for PostgreSQL, on a loaded machine. */
const SLOW = { timeoutMs: PATIENCE_MS };

// Deno 2.7.11 keeps a reply's resource when fetch is aborted in the instant in which the reply arrives: some requests
// here are given up on purpose.
Deno.test({ name: "the clients on a real cluster", sanitizeResources: false }, async (t) => {
  await using lab = await measured("etcd and three members, one after the other", () => startLab(3));
  const [first] = lab.members;
  assert(first);
  using patroni = lab.patroni(first, SLOW);

  await t.step("every read says what the members are", async () => {
    const { members } = await measured("GET /cluster", () => patroni.cluster());
    assertEquals(members.map(({ name }) => name), ["pg-0", "pg-1", "pg-2"]);
    assertEquals(members.map(({ role, lag }) => [role, lag === undefined]), [
      ["leader", true],
      ["replica", false],
      ["replica", false],
    ]);
    assertEquals(members.map(({ host, port }) => `${host}:${port}`), lab.members.map((m) => `${m.address}:5432`));
    const status = await patroni.status();
    assertEquals([status.role, status.running, status.scope, status.timeline], ["primary", true, "pg", 1]);
    assertEquals(status.replication.map(({ name, state }) => [name, state]).toSorted(), [
      ["pg-1", "streaming"],
      ["pg-2", "streaming"],
    ]);
    assertEquals([(await patroni.health()).running, await patroni.alive()], [true, true]);
    const { replica } = membersOf(lab, first);
    using follower = lab.patroni(replica, SLOW);
    const answers = [];
    for (const client of [patroni, follower]) {
      for (const what of ["primary", "leader", "replica", "read-only", "readiness", "synchronous"] as const) {
        answers.push(await client.is(what));
      }
    }
    assertEquals(answers, [true, true, false, true, true, false, false, false, true, true, true, false]);
    assertEquals((await follower.health()).role, "replica");
    assertEquals((await patroni.config()).ttl, 20);
  });

  await t.step("wrong passwords, authorities and schemes are told apart", async () => {
    const auth = { user: "patroni", password: "wrong-password" };
    using stranger = lab.patroni(first, { ...SLOW, auth });
    const error = await assertRejects(() => stranger.reload(), AuthenticationError);
    assertNotMatch(error.message, /wrong-password/);
    assertEquals((await stranger.cluster()).members.length, 3);
    const directory = await Deno.makeTempDir();
    try {
      const { cert: ca } = await createAuthority(directory, "another");
      using suspicious = lab.patroni(first, { ...SLOW, tls: { ca }, schemes: ["https", "http"] });
      await assertRejects(() => suspicious.cluster(), CertificateError);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
    using plain = lab.patroni(first, { ...SLOW, schemes: ["http"] });
    await assertRejects(() => plain.cluster(), UnreachableError);
    using either = lab.patroni(first, { ...SLOW, schemes: ["http", "https"] });
    await either.reload();
    assertEquals(either.scheme, "https");
    using nobody = lab.patroni(first, { ...SLOW, port: 1 });
    await assertRejects(() => nobody.cluster(), UnreachableError, "connection refused");
    assertEquals(await nobody.alive(), false);
    lab.pause(first);
    using hurried = lab.patroni(first, { timeoutMs: 300 });
    await assertRejects(() => hurried.cluster(), ClientTimeoutError);
    assertEquals(await hurried.alive(), false);
    lab.resume(first);
  });

  await t.step("a changed setting waits for a restart, which is done once", async () => {
    const config = await patroni.patchConfig({ postgresql: { parameters: { max_connections: 120 } } });
    assertEquals(config.loop_wait, 2);
    await assertRejects(() => patroni.patchConfig({}), InputError);
    await measured("pending restart shown by all", () =>
      eventually("pending restart of all", PATIENCE_MS, async () => {
        return (await patroni.cluster()).members.every(({ pendingRestart }) => pendingRestart);
      }));
    for (const member of [...lab.members].reverse()) {
      using client = lab.patroni(member, SLOW);
      const restart = () => client.restart({ pendingOnly: true });
      assertEquals(await measured(`restart of ${member.name}`, restart), "restarted");
      await eventually("no pending restart", PATIENCE_MS, async () => !(await client.status()).pendingRestart);
      assertEquals(await restart(), "not-needed");
    }
    assertEquals(await patroni.restart({ role: "replica" }), "not-needed");
    assertEquals(await patroni.restart({ schedule: new Date(Date.now() + 3_600_000) }), "scheduled");
    assertEquals([await patroni.cancelRestart(), await patroni.cancelRestart()], [true, false]);
    await lab.untilReady(3);
  });

  await t.step("the data of a replica is copied anew, that of the leader is not", async () => {
    await refuses("is-leader", () => patroni.reinitialize());
    const { replica } = membersOf(lab, first);
    using client = lab.patroni(replica, SLOW);
    await Deno.writeTextFile(`${replica.dataDirectory}/old`, "");
    await measured("reinitialize until it streams again", async () => {
      await client.reinitialize();
      await eventually("the old data is gone", PATIENCE_MS, async () => {
        return !(await Array.fromAsync(Deno.readDir(replica.dataDirectory))).some(({ name }) => name === "old");
      });
      await lab.untilReady(3);
    });
  });

  await t.step("synchronous replication follows the configuration", async () => {
    await patroni.patchConfig(synchronousConfig(synchronousNodeCount("all", 3)));
    await using server = await lab.postgres(first);
    await measured("two synchronous replicas", () =>
      eventually("two synchronous replicas", PATIENCE_MS, async () => {
        const { members } = await patroni.cluster();
        return members.filter(({ role }) => role === "sync_standby").length === 2 &&
          /^2 \(/.test(await server.synchronousStandbyNames());
      }));
    assertEquals((await server.replication()).map(({ name, syncState }) => [name, syncState]), [
      ["pg-1", "sync"],
      ["pg-2", "sync"],
    ]);
    await patroni.patchConfig(synchronousConfig(synchronousNodeCount(0, 3)));
    await eventually("no synchronous replica", PATIENCE_MS, async () => await server.synchronousStandbyNames() === "");
  });

  await t.step("a role gets a password that no log has", async () => {
    await using server = await lab.postgres(first);
    assertEquals([await server.inRecovery(), await server.roleExists("rewind")], [false, true]);
    assertEquals(await server.roleExists("nobody'; DROP ROLE rewind"), false);
    await assertRejects(() => server.setPassword("nobody", "secret"), MissingError);
    await assertRejects(() => server.setPassword("rewind", "two\nlines"), InputError);
    const [old, password] = [USERS.rewind.password, `it's "new" \\ ${crypto.randomUUID()}`];
    await server.setPassword("rewind", password);
    const at = { host: first.address, port: PORTS.postgresql };
    await using user = await openPostgres({ at, user: "rewind", password, timeoutMs: 10_000 });
    assertEquals(await user.inRecovery(), false);
    await using locked = await openPostgres({ at, user: "rewind", password: old, timeoutMs: 10_000 });
    const error = await assertRejects(() => locked.inRecovery(), AuthenticationError);
    const log = await first.log();
    for (const secret of [password, old, "SCRAM-SHA-256"]) {
      assert(!log.includes(secret), "neither the password nor what is kept of it is in a log");
      assert(!error.message.includes(secret));
    }
    assert(log.includes("SHOW synchronous_standby_names"), "the log has the other statements");
    await server.setPassword("rewind", old);
  });

  await t.step("a switchover goes to the named member, from the real leader only", async () => {
    const { replica, other } = membersOf(lab, first);
    await refuses("wrong-leader", () => patroni.switchover({ leader: replica.name }));
    await refuses("candidate-unknown", () => patroni.switchover({ leader: first.name, candidate: "nobody" }));
    await refuses("candidate-unknown", () => patroni.failover({ candidate: "nobody" }));
    await assertRejects(() => patroni.failover({ candidate: "a\nb" }), InputError);
    const at = new Date(Date.now() + 3_600_000);
    assertEquals(await patroni.switchover({ leader: first.name, scheduledAt: at }), { done: "scheduled" });
    await eventually("it is scheduled", PATIENCE_MS, async () => (await patroni.cluster()).scheduledSwitchover);
    assertEquals([await patroni.cancelSwitchover(), await patroni.cancelSwitchover()], [true, false]);
    using asked = lab.patroni(other, SLOW);
    const to = { leader: first.name, candidate: replica.name };
    const result = await measured("switchover", () => asked.switchover(to));
    assertEquals(result, { done: "switched", leader: replica.name });
    assertEquals((await lab.untilPrimary()).name, replica.name);
    await measured("all ready again", () => lab.untilReady(3));
    const history = await eventually("the history has it", PATIENCE_MS, async () => {
      const entries = await asked.history();
      return entries.length > 0 && entries;
    });
    assertEquals(history.map(({ timeline, leader }) => [timeline, leader]), [[1, replica.name]]);
  });
});
