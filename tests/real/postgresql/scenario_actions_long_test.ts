/** The actions, on a cluster of two units with TLS. */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import { sendSignal } from "../units_processes.ts";
import { completed } from "../tasks.ts";
import { type Scene, underWrites, withPostgresql } from "./scenario.ts";
import { withSql } from "./scenario_writer.ts";

Deno.test({
  name: "postgresql: the actions",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withPostgresql(2, async (scene) => {
      const secrets = await findSecrets(scene.lab);
      const primary = await scene.primary();
      const replica = scene.units().find((unit) => unit !== primary) ?? "";
      await tells(scene, primary, replica);
      await refuses(scene, primary, replica);
      await underWrites("reinitialize", scene, () => reinitializes(scene, replica));
      await underWrites("rotate-certificate", scene, () => rotates(scene, primary));
      await underWrites("set-password", scene, () => setsPassword(scene));
      await underWrites("set-password killed", scene, () => undoesPassword(scene));
      await underWrites("restart of both", scene, () => restarts(scene));
      await underWrites("a restart that takes long", scene, () => restartsSlowly(scene));
      console.log("longest hook", scene.longestHook());
      await assertNoSecretShows(scene.lab, secrets);
    }, { config: { tls: true } });
  },
});

Deno.test({
  name: "postgresql: a Juju without secrets",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withPostgresql(2, async (scene) => {
      assertEquals(scene.lab.model.world.secrets, {});
      assertEquals(scene.applicationBag()["operator-password"]?.length, 32);
      await scene.lab.settleUntil(
        "encrypted replication",
        async () => (await scene.replicationSessions()).join() === "TLSv1.3",
      );
      await underWrites("set-password without secrets", scene, () => setsPassword(scene));
    }, { config: { tls: true }, jujuVersion: "2.9.49" });
  },
});

async function run({ lab }: Scene, unit: string, action: string, params = {}) {
  const { status, message, results } = await lab.model.run(unit, action, params);
  return { status, message, results };
}

async function tells(scene: Scene, primary: string, replica: string): Promise<void> {
  for (const unit of [primary, replica]) {
    assertEquals((await run(scene, unit, "get-primary")).results.primary, primary);
  }
  const { results } = await run(scene, replica, "get-cluster-status");
  assertEquals([results.primary, results.members, results.ready], [primary, "2", "2"]);
  const members: { unit: string }[] = JSON.parse(String(results.output)).members;
  assertEquals(members.map(({ unit }) => unit).sort(), [...scene.units()].sort());
}

async function refuses(scene: Scene, primary: string, replica: string): Promise<void> {
  const { leader } = scene;
  const other = scene.units().find((unit) => unit !== leader) ?? "";
  const table = [
    [primary, "reinitialize", {}, "is the primary"],
    [replica, "switchover", { unit: "postgresql/77" }, "no member of that name"],
    [other, "set-password", {}, "only the leader"],
    [leader, "set-password", { password: "a b c d e f '" }, "a password has"],
  ] as const;
  for (const [unit, action, params, why] of table) {
    const { status, message } = await run(scene, unit, action, params);
    assertEquals(status, "failed", action);
    assertStringIncludes(message, why);
  }
  const { results } = await run(scene, replica, "switchover", { unit: primary });
  assertEquals([results.primary, results.changed], [primary, "false"]);
}

async function reinitializes(scene: Scene, replica: string): Promise<void> {
  const before = await startOf(scene, replica);
  assertEquals((await run(scene, replica, "reinitialize")).status, "completed");
  await scene.lab.settleUntil("the copied server", async () => await startOf(scene, replica) !== before);
  await scene.untilWhole(2);
}

async function rotates(scene: Scene, unit: string): Promise<void> {
  const before = scene.lab.model.timeline.length;
  const results = await completed(run(scene, unit, "rotate-certificate"));
  const served = async () => {
    const { stdout } = await new Deno.Command("openssl", {
      args: ["s_client", "-connect", `${scene.addressOf(unit)}:8008`, "-showcerts"],
      stdin: "null",
    }).output();
    const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(new TextDecoder().decode(stdout))?.[0];
    const { certificateFacts } = await import("../../../interfaces/clients/certificates/authority.ts");
    return certificateFacts(pem ?? "").fingerprint256;
  };
  await scene.lab.settleUntil("the new certificate", async () => await served() === results.fingerprint);
  assert(scene.lab.model.timeline.length > before);
  await scene.untilWhole(2);
}

async function setsPassword(scene: Scene): Promise<void> {
  const before = scene.access();
  assert(before);
  for (const username of ["operator", "replication", "patroni"]) {
    await completed(run(scene, scene.leader, "set-password", { username }), username);
    await scene.untilWhole(2);
  }
  const after = scene.access();
  assert(after);
  assertNotEquals(after.password, before.password);
  const address = scene.addressOf(await scene.primary());
  await withSql(after, address, (sql) => sql`SELECT 1`);
  const old = await withSql({ ...after, password: before.password }, address, (sql) => sql`SELECT 1`)
    .then(() => "let in", (error) => String(error.code));
  assertEquals(old, "28P01");
}

/** The server has the new password, Juju does not: the next hook takes it back. */
async function undoesPassword(scene: Scene): Promise<void> {
  const { lab, leader } = scene;
  const access = scene.access();
  assert(access);
  const address = scene.addressOf(await scene.primary());
  const letIn = () => withSql(access, address, (sql) => sql`SELECT 1`).then(() => "let in", ({ code }) => String(code));
  for (const username of ["operator", "replication"]) {
    const killed = { unit: leader, hook: "set-password", occurrence: 1, at: "before-commit", do: "kill" } as const;
    lab.model.addFault(killed);
    const kept = scene.secretValue(`${username}-password`);
    assertNotEquals((await run(scene, leader, "set-password", { username })).status, "completed");
    assertEquals(scene.secretValue(`${username}-password`), kept, "Juju keeps the old one");
    if (username === "operator") {
      assertEquals(await letIn(), "28P01", "the server has the new one");
      // Another change does not forget this one.
      assertEquals((await run(scene, leader, "set-password", { username: "rewind" })).status, "completed");
      assertEquals(await letIn(), "let in");
    }
    lab.model.updateStatus();
    await lab.settleUntil("nothing is left to be taken back", async () => await passwordFile(scene) === undefined);
    assertEquals(await letIn(), "let in");
    await scene.untilWhole(2);
  }
  await setsPassword(scene);
}

async function passwordFile({ lab, leader }: Scene): Promise<string | undefined> {
  const path = `${lab.unitDirectory(leader)}/password-change.json`;
  return await Deno.readTextFile(path).catch(() => undefined);
}

async function restarts(scene: Scene): Promise<void> {
  const starts = () => Promise.all(scene.units().map((unit) => startOf(scene, unit)));
  const before = await starts();
  for (const unit of scene.units()) assertEquals((await run(scene, unit, "restart")).results.requested, "true");
  await scene.lab.settleUntil("both restarts", async () => {
    return (await starts()).every((time, index) => time !== before[index]);
  });
  await scene.untilWhole(2);
}

/** A server ends late as long as a replica does not take what is left to send: it restarts once all the same. */
async function restartsSlowly(scene: Scene): Promise<void> {
  const { lab } = scene;
  const primary = await scene.primary();
  const replica = scene.units().find((unit) => unit !== primary) ?? "";
  const receiver = await lab.waitFor("the replica receives", () => {
    return lab.processes(replica).find(({ argv }) => argv[0]?.includes("walreceiver"));
  });
  const log = join(lab.unitDirectory(primary), `patroni-${primary.replace("/", "-")}.log`);
  const starts = async () => (await Deno.readTextFile(log)).split("is ready to accept connections").length;
  const [before, from] = [await starts(), lab.model.timeline.length];
  sendSignal(receiver.pid, "SIGSTOP");
  try {
    assertEquals((await run(scene, primary, "restart")).results.requested, "true");
    const runs = () => lab.model.timeline.slice(from).filter(({ unit }) => unit === primary);
    await lab.settleUntil("a hook that gives up waiting", () => {
      return runs().some(({ status }) => status.message === "restarting PostgreSQL");
    });
  } finally {
    sendSignal(receiver.pid, "SIGCONT");
  }
  await lab.settleUntil("the restart", async () => await starts() > before);
  await scene.untilWhole(2);
  assertEquals(await starts(), before + 1, "the server was restarted once");
}

/** When a unit's server began. */
async function startOf(scene: Scene, unit: string): Promise<string> {
  const access = scene.access();
  assert(access);
  const rows = await withSql(access, scene.addressOf(unit), (sql) => sql`SELECT pg_postmaster_start_time()::text AS t`);
  return String(rows[0]?.t);
}
