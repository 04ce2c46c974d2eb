/** The charm's units follow changes of addresses and certificates, and leave all together. */
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { ModelError } from "../../model/mod.ts";
import { type Scene, underWrites, withEtcd } from "./scenario.ts";

// Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
const sanitizeResources = false;

/** The certificate that a member shows at a port. */
async function shownCertificate(scene: Scene, endpoint: string): Promise<{ fingerprint: string; issuer: string }> {
  const access = scene.access();
  assert(access);
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(access.tls)) await Deno.writeTextFile(`${dir}/${name}`, text ?? "");
    const { stdout } = await new Deno.Command("openssl", {
      args: ["s_client", "-connect", new URL(endpoint).host, "-cert", `${dir}/cert`, "-key", `${dir}/key`],
      stdin: "null",
      stderr: "null",
    }).output();
    const [pem] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(new TextDecoder().decode(stdout)) ??
      [];
    assert(pem, "no certificate was shown");
    const certificate = new X509Certificate(pem);
    const authority = new X509Certificate(access.tls.ca ?? "");
    const issuer = certificate.verify(authority.publicKey) ? authority.fingerprint256 : "another";
    return { fingerprint: certificate.fingerprint256, issuer };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

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

Deno.test({
  name: "etcd charm: a unit's address changes, the others follow",
  sanitizeResources,
  async fn() {
    await withEtcd(3, async (scene) => {
      const { lab } = scene;
      const id = async () => (await scene.members()).find(({ name }) => name === "etcd1")?.id;
      const [before, old] = [await id(), scene.access()?.endpoints ?? ""];
      const address = lab.address(30);
      lab.model.setAddress("etcd/1", address);
      await scene.untilWhole(3);
      assertStringIncludes(scene.access()?.endpoints ?? "", `https://${address}:2379`);
      assertNotEquals(scene.access()?.endpoints, old);
      assertEquals(await id(), before, "the same member");
      const [moved] = (await scene.members()).filter(({ name }) => name === "etcd1");
      assertEquals(moved?.peerUrls, [`https://${address}:2380`]);
    });
  },
});

Deno.test({
  name: "etcd charm: a unit does not go while the cluster cannot spare its member",
  sanitizeResources,
  async fn() {
    await withEtcd(3, async (scene) => {
      const { lab } = scene;
      lab.pauseServer("etcd/2");
      lab.model.removeUnit("etcd/1");
      await assertRejects(() => lab.model.settle(), ModelError, "would lose its quorum");
      assert(lab.serverPid("etcd/1"), "its server runs on");
      using etcd = scene.open();
      await etcd.kv.put("while/away", "1", { repeatable: true });
      lab.resumeServer("etcd/2");
      lab.model.resolved("etcd/1");
      await lab.settleUntil("two units", () => scene.units().length === 2);
      await scene.untilWhole(2);
      using after = scene.open();
      assertEquals(await after.kv.getText("while/away"), "1");
    });
  },
});

Deno.test({
  name: "etcd charm: members with an alarm are shown, and still leave in order",
  sanitizeResources,
  async fn() {
    await withEtcd(3, async (scene) => {
      const { lab } = scene;
      const [member] = await scene.members();
      await post(scene, "/v3/maintenance/alarm", { action: "ACTIVATE", memberID: member?.id, alarm: "NOSPACE" });
      await lab.settleUntil("the alarm in the status", () => lab.statusOf("etcd/0").includes("an alarm"));
      assertEquals(lab.statusOf("etcd/0").split(":")[0], "blocked");
      lab.model.removeUnit("etcd/1");
      await lab.settleUntil("two units", () => scene.units().length === 2);
      assertEquals((await scene.members()).map(({ name }) => name).sort(), ["etcd0", "etcd2"]);
      using etcd = scene.open();
      await etcd.maintenance.disarm();
      await scene.untilWhole(2);
    });
  },
});

Deno.test({
  name: "etcd charm: a unit on another unit's address waits, and harms nobody",
  sanitizeResources,
  async fn() {
    await withEtcd(1, async (scene) => {
      const { lab } = scene;
      const before = await scene.members();
      const [unit = ""] = await lab.model.addUnit("etcd");
      lab.model.setAddress(unit, lab.model.world.units["etcd/0"]?.address ?? "");
      await lab.settleUntil("a complaint", () => lab.statusOf(unit).startsWith("blocked"));
      assertMatch(lab.statusOf(unit), /is used by etcd\/0/);
      assertEquals(await scene.members(), before);
      lab.model.setAddress(unit, lab.address(40));
      await scene.untilWhole(2);
    });
  },
});

Deno.test({
  name: "etcd charm: certificates and their authority change under a client that follows",
  sanitizeResources,
  async fn() {
    await withEtcd(3, async (scene) => {
      const { lab } = scene;
      const urls = (scene.access()?.endpoints ?? "").split(",");
      const show = () =>
        Promise.all(
          urls.flatMap((url) => [url, url.replace(":2379", ":2380")])
            .map((url) => shownCertificate(scene, url)),
        );
      const pids = () => scene.units().map((unit) => lab.serverPid(unit));
      const rotate = async (params: Record<string, unknown>) => {
        await lab.settleUntil("the rotation to begin", async () => {
          const { status, message } = await lab.model.run(scene.leader, "rotate-certificates", params);
          assertEquals(status, "completed", message);
          return true;
        });
      };

      const [before, running] = [await show(), pids()];
      await underWrites("all members and clients get new certificates", scene, async () => {
        const { cert } = scene.access()?.tls ?? {};
        await rotate({});
        await lab.settleUntil("new ones", () => scene.access()?.tls.cert !== cert);
        await scene.untilWhole(3);
      });
      const after = await show();
      assertEquals(pids(), running, "etcd reads certificates anew by itself");
      for (const [index, { fingerprint }] of after.entries()) assertNotEquals(fingerprint, before[index]?.fingerprint);
      assertEquals(after.map(({ issuer }) => issuer), before.map(({ issuer }) => issuer));

      const authority = scene.access()?.tls.ca;
      await underWrites("the authority changes", scene, async () => {
        await rotate({ authority: true });
        await lab.settleUntil("the new authority alone", () => {
          const { ca = "" } = scene.access()?.tls ?? {};
          return ca !== authority && ca.split("BEGIN CERTIFICATE").length === 2;
        });
        await scene.untilWhole(3);
      });
      const last = await show();
      assertEquals(new Set(last.map(({ issuer }) => issuer)).size, 1);
      assert(!last.some(({ issuer }) => issuer === "another" || issuer === before[0]?.issuer));
      await scene.assertNoSecretShows();
    });
  },
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
