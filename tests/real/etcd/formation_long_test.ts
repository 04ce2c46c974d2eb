/** The charm's units follow changes of addresses and settings, and leave in every way. */
import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { certificateFacts, issue } from "../../../interfaces/clients/certificates/authority.ts";
import { openEtcd } from "../../../interfaces/clients/etcd/client.ts";
import { type Scene, underWrites, withEtcd } from "./scenario.ts";

// Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
const sanitizeResources = false;

/** Sends what our client has no method for. */
async function post(scene: Scene, path: string, body: unknown): Promise<void> {
  const access = scene.access();
  assert(access);
  const { ca = "", cert = "", key = "" } = access.tls;
  using client = Deno.createHttpClient({ caCerts: [ca], cert, key });
  const [endpoint] = access.endpoints.split(",");
  const reply = await fetch(`${endpoint}${path}`, { method: "POST", body: JSON.stringify(body), client });
  assertEquals(reply.status, 200, await reply.text());
}

function memberOf(unit: string): string {
  return unit.replace("/", "");
}

async function membersByName(scene: Scene) {
  return new Map((await scene.members()).map((member) => [member.name, member]));
}

async function addressChanges(scene: Scene): Promise<void> {
  const { lab } = scene;
  const [before, old] = [(await membersByName(scene)).get("etcd1"), scene.access()?.endpoints ?? ""];
  const address = lab.address(30);
  lab.model.setAddress("etcd/1", address);
  await scene.untilWhole(3);
  assertStringIncludes(scene.access()?.endpoints ?? "", `https://${address}:2379`);
  assertNotEquals(scene.access()?.endpoints, old);
  const moved = (await membersByName(scene)).get("etcd1");
  assertEquals(moved?.id, before?.id, "the same member");
  assertEquals(moved?.peerUrls, [`https://${address}:2380`]);
}

async function settingsChange(scene: Scene): Promise<void> {
  const { lab } = scene;
  const pids = () => scene.units().map((unit) => lab.serverPid(unit));
  const before = pids();
  await underWrites("the heartbeat changes", scene, async () => {
    lab.model.setConfig("etcd", { "heartbeat-interval": 150, "election-timeout": 1500 });
    await lab.settleUntil("new processes", () => pids().every((pid, index) => pid && pid !== before[index]));
    await scene.untilWhole(3);
  });
  for (const unit of scene.units()) {
    assertStringIncludes(await Deno.readTextFile(`${lab.unitDirectory(unit)}/etcd.yaml`), "heartbeat-interval: 150");
  }
}

/** Nobody rotates anything: dates alone bring new certificates, with a month to spare. */
async function datesCome(scene: Scene): Promise<void> {
  const { lab } = scene;
  const { world } = lab.model;
  const server = (unit: string) => Deno.readTextFile(`${lab.unitDirectory(unit)}/tls/server.pem`);
  const [unit = ""] = scene.units().filter((each) => each !== scene.leader);
  const [others, before] = [scene.units().filter((each) => each !== unit), await server(unit)];
  const kept = await Promise.all(others.map(server));
  const state = world.units[unit]?.state ?? {};
  for (const [key, value] of Object.entries(state)) {
    state[key] = value.replace(/("renewAt\\?":)\d+/, (_, name) => `${name}1`);
  }
  lab.model.updateStatus("etcd");
  await lab.model.settle();
  const renewed = await server(unit);
  assertNotEquals(renewed, before, "a unit renews its own certificate");
  assertEquals(await Promise.all(others.map(server)), kept, "the others have time");

  const [secret] = Object.values(world.secrets);
  const content = secret?.revisions.at(-1)?.content ?? {};
  const authority = { certificate: atob(content["ca-cert"] ?? ""), key: atob(content["ca-key"] ?? "") };
  const short = await issue(authority, { subject: { o: "etcd client" }, usage: ["client"], days: 20 });
  Object.assign(content, { "client-cert": btoa(short.certificate), "client-key": btoa(short.key) });
  await underWrites("the clients' certificate comes to its end", scene, async () => {
    const old = scene.access()?.tls;
    await lab.settleUntil(
      "a new one",
      () => scene.units().every((each) => scene.published(each)?.tls.cert !== old?.cert),
    );
    await scene.untilWhole(3);
    assertEquals(scene.access()?.tls.ca, old?.ca);
  });
  const { notAfter } = certificateFacts(scene.access()?.tls.cert ?? "");
  assert(notAfter > Date.now() + 300 * 24 * 3600 * 1000);
}

async function alarms(scene: Scene): Promise<void> {
  const { lab } = scene;
  const [member] = await scene.members();
  const [stays = "", leaves = ""] = scene.units();
  await post(scene, "/v3/maintenance/alarm", { action: "ACTIVATE", memberID: member?.id, alarm: "NOSPACE" });
  await lab.settleUntil("the alarm in the status", () => lab.statusOf(stays).includes("an alarm"));
  assertEquals(lab.statusOf(stays).split(":")[0], "blocked");
  lab.model.removeUnit(leaves);
  await lab.settleUntil("two units", () => scene.units().length === 2);
  assertEquals([...(await membersByName(scene)).keys()].sort(), scene.units().map(memberOf));
  using etcd = scene.open();
  await etcd.maintenance.disarm();
  await scene.untilWhole(2);
}

async function cannotBeSpared(scene: Scene): Promise<void> {
  const { lab } = scene;
  const [, leaves = "", paused = ""] = scene.units();
  lab.pauseServer(paused);
  try {
    lab.model.removeUnit(leaves);
    await lab.model.settle();
    assertMatch(whyItFailed(scene, leaves), /would lose its quorum/);
    assert(lab.serverPid(leaves), "its server runs on");
    using etcd = scene.open();
    await etcd.kv.put("while/away", "1", { repeatable: true });
  } finally {
    lab.resumeServer(paused);
  }
  await settleThroughRefusals(scene, leaves, 2);
  using after = scene.open();
  assertEquals(await after.kv.getText("while/away"), "1");
}

async function onlyVoterLeaves(scene: Scene): Promise<void> {
  const { lab } = scene;
  const [voter = "", learner = ""] = scene.units();
  const [endpoints = "", tls] = [scene.access()?.endpoints, scene.access()?.tls ?? {}];
  const members = await membersByName(scene);
  const [own = ""] = members.get(memberOf(voter))?.clientUrls ?? [];
  const other = members.get(memberOf(learner));
  assert(other && endpoints.includes(own));
  using etcd = openEtcd({ endpoints: own, tls, timeoutMs: 5000 });
  await etcd.kv.put("learned", "yes", { repeatable: true });
  await lab.waitFor("the member to go", async () => await etcd.members.remove(other.id).then(() => true));
  await lab.waitFor("a learner", () => etcd.members.add(other.peerUrls, { isLearner: true }).then(() => true));
  lab.model.removeUnit(voter);
  // Until the learner is in sync the hook fails, and Juju runs it again.
  await settleThroughRefusals(scene, voter, 1);
  using after = scene.open();
  assertEquals(await after.kv.getText("learned"), "yes");
}

/** Lets a unit go whose hook fails as long as the cluster needs it. */
async function settleThroughRefusals(scene: Scene, leaving: string, left: number): Promise<void> {
  const { lab } = scene;
  await lab.waitFor(`${left} units`, async () => {
    if (scene.units().includes(leaving) && lab.statusOf(leaving).startsWith("error")) {
      assertMatch(whyItFailed(scene, leaving), /would lose its quorum/);
      lab.model.resolved(leaving);
    }
    await lab.model.settle();
    return scene.units().length === left;
  });
  await scene.untilWhole(left);
}

/** What the last hook of a unit said when it failed. */
function whyItFailed({ lab }: Scene, unit: string): string {
  const last = lab.model.timeline.findLast((run) => run.unit === unit);
  assertEquals([last?.name, last?.outcome], ["stop", "failed"], lab.statusOf(unit));
  return lab.model.log(unit).filter(({ level }) => level === "WARNING").at(-1)?.message ?? "";
}

async function addressIsTaken(scene: Scene): Promise<void> {
  const { lab } = scene;
  const before = await scene.members();
  const [taken = ""] = scene.units();
  const [unit = ""] = await lab.model.addUnit("etcd");
  lab.model.setAddress(unit, lab.model.world.units[taken]?.address ?? "");
  await lab.settleUntil("a complaint", () => lab.statusOf(unit).startsWith("blocked"));
  assertStringIncludes(lab.statusOf(unit), `is used by ${taken}`);
  assertEquals(await scene.members(), before);
  lab.model.setAddress(unit, lab.address(40));
  await scene.untilWhole(2);
}

async function tooLateForTheData(scene: Scene): Promise<void> {
  const { lab } = scene;
  await scene.shrink(scene.units().slice(1));
  const [last = ""] = scene.units();
  const [unit = ""] = await lab.model.addUnit("etcd");
  lab.model.setAddress(unit, lab.model.world.units[last]?.address ?? "");
  await lab.settleUntil("it cannot join", () => lab.statusOf(unit).startsWith("blocked"));
  lab.model.removeUnit(last);
  await lab.settleUntil("the data to be missed", () => /restore/.test(lab.statusOf(unit)));
  assertMatch(lab.statusOf(unit), /^blocked: .*removed units.*etcd\/0/);
  assertEquals(lab.processes(unit), []);
  assert((await Deno.stat(`${lab.unitDirectory(last)}/data/member`)).isDirectory, "the data stays");
}

Deno.test({
  name: "etcd charm: units that move, restart, leave, cannot leave, and come too late",
  sanitizeResources,
  fn: (t) =>
    withEtcd(3, async (scene) => {
      const step = async (name: string, run: (scene: Scene) => Promise<void>): Promise<void> => {
        let reason: unknown;
        const isDone = await t.step(name, () =>
          run(scene).catch((error) => {
            reason = error;
            throw error;
          }));
        if (!isDone) throw reason;
      };
      await step("a unit's address changes, the others follow", addressChanges);
      await step("settings change while the cluster serves, one member after the other", settingsChange);
      await step("certificates that come to their end are renewed by update-status", datesCome);
      await step("members with an alarm are shown, and still leave in order", alarms);
      await step("another unit joins", () => scene.grow(3));
      await step("a unit does not go while the cluster cannot spare its member", cannotBeSpared);
      await step("the only voter leaves when the other member has learned and votes", onlyVoterLeaves);
      await step("a unit on another unit's address waits, and harms nobody", addressIsTaken);
      await step("a unit that comes too late for the data makes no empty cluster", tooLateForTheData);
      // A hook that fails is an answer here: the test itself has it run again.
    }, { retries: 0 }),
});

Deno.test({
  name: "etcd charm: all units go at once, and the next one begins anew; Juju without secrets",
  sanitizeResources,
  async fn() {
    await withEtcd(2, async (scene) => {
      const { lab } = scene;
      const { world } = lab.model;
      assertEquals(world.secrets, {});
      for (const unit of scene.units()) lab.model.removeUnit(unit);
      await lab.settleUntil("no unit", () => scene.units().length === 0);
      for (const unit of ["etcd/0", "etcd/1"]) assertEquals(lab.processes(unit), []);
      await lab.model.addUnit("etcd");
      await scene.untilWhole(1);
      assertEquals((await scene.members()).map(({ name }) => name), ["etcd2"]);
    }, { jujuVersion: "2.9.50" });
  },
});

/** A free port of this machine's own IPv6 address; nobody else uses etcd's there. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "::1", port: 0 });
  return listener.addr.port;
}

function hasIpv6(): boolean {
  return Deno.networkInterfaces().some(({ address }) => address === "::1");
}

Deno.test({
  name: "etcd charm: a member with an IPv6 address, and a client with it",
  ignore: !hasIpv6(),
  sanitizeResources,
  async fn() {
    const config = { "client-port": freePort(), "peer-port": freePort() };
    await withEtcd(1, async (scene) => {
      assertEquals(scene.access()?.endpoints, `https://[::1]:${config["client-port"]}`);
      assertEquals((await scene.members()).flatMap(({ peerUrls }) => peerUrls), [
        `https://[::1]:${config["peer-port"]}`,
      ]);
      using etcd = scene.open();
      await etcd.kv.put("over", "six", { repeatable: true });
      assertEquals(await etcd.kv.getText("over"), "six");
      await scene.lab.deploy({ charm: "etcd-client" });
      scene.lab.model.relate("etcd-client:etcd", "etcd:db");
      await scene.lab.settleUntil(
        "the consumer",
        () => /^active: etcd 3.*, 1 member$/.test(scene.lab.statusOf("etcd-client/0")),
      );
    }, { address: () => "::1", config });
  },
});
