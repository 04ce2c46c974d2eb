/** Actions, and charms that use etcd while its certificates change. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { runActions } from "./deployed_actions.ts";
import type { Access } from "./scenario_writer.ts";
import { type Scene, underWrites, withEtcd } from "./scenario.ts";

const CONSUMERS = ["one/0", "one/1", "two/0"];

function certificatesOf(pem: string): string[] {
  return pem.split(/(?=-----BEGIN)/).map((text) => text.trim()).filter((text) => text !== "");
}

/** Everybody has used the cluster of three since the last change. */
async function consumersAreReady({ lab }: Scene): Promise<void> {
  await lab.settleUntil("three consumers", () => {
    for (const unit of CONSUMERS) assertMatch(lab.statusOf(unit), /^active: etcd 3\.[0-9.]+, 3 members$/);
    return true;
  });
}

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

/** What all members show at both of their ports. */
function shownBy(scene: Scene): Promise<{ fingerprint: string; issuer: string }[]> {
  const urls = (scene.access()?.endpoints ?? "").split(",");
  return Promise.all(
    urls.flatMap((url) => [url, url.replace(":2379", ":2380")]).map((url) => shownCertificate(scene, url)),
  );
}

async function rotate(scene: Scene, params: Record<string, unknown>, isDone: (tls: Access["tls"]) => boolean) {
  const task = await scene.lab.model.run(scene.leader, "rotate-certificates", params);
  assertEquals(task.status, "completed", task.message);
  await scene.lab.settleUntil("new certificates from every unit", () => {
    return scene.units().every((unit) => {
      const access = scene.published(unit);
      return access !== undefined && isDone(access.tls);
    });
  });
  await scene.untilWhole(3);
}

Deno.test({
  name: "etcd: actions, three consumers over two relations, and certificates that rotate while they are connected",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn(t) {
    await withEtcd(3, async (scene) => {
      const { lab } = scene;
      await runActions(t, scene);
      await lab.deploy({ charm: "etcd-client", name: "one", units: 2 });
      await lab.deploy({ charm: "etcd-client", name: "two" });
      for (const app of ["one", "two"]) lab.model.relate(`${app}:etcd`, "etcd:db");
      await underWrites("three consumers over two relations", scene, () => consumersAreReady(scene));
      using etcd = scene.open();
      assertEquals(await etcd.kv.count("/etcd-client/"), CONSUMERS.length);

      const first = scene.access()?.tls;
      assert(first);
      const pids = () => scene.units().map((unit) => lab.serverPid(unit));
      const [before, running] = [await shownBy(scene), pids()];
      await underWrites("the certificates rotate", scene, () => {
        return rotate(scene, {}, ({ ca, cert, key }) => ca === first.ca && cert !== first.cert && key !== first.key);
      });
      await consumersAreReady(scene);
      const after = await shownBy(scene);
      assertEquals(pids(), running, "etcd reads certificates anew by itself");
      for (const [index, { fingerprint }] of after.entries()) assertNotEquals(fingerprint, before[index]?.fingerprint);
      assertEquals(after.map(({ issuer }) => issuer), before.map(({ issuer }) => issuer));
      const last = certificatesOf(first.ca);
      await underWrites("the certificate authority rotates", scene, () => {
        return rotate(scene, { authority: true }, ({ ca }) => certificatesOf(ca).every((pem) => !last.includes(pem)));
      });
      await consumersAreReady(scene);
      const now = await shownBy(scene);
      assertEquals(new Set(now.map(({ issuer }) => issuer)).size, 1);
      assert(!now.some(({ issuer }) => issuer === "another" || issuer === before[0]?.issuer));
      for (const unit of scene.units()) {
        const trusted = await Deno.readTextFile(`${lab.unitDirectory(unit)}/tls/ca.pem`);
        assert(certificatesOf(trusted).every((pem) => !last.includes(pem)), `${unit} trusts the old authority`);
      }
      await scene.assertNoSecretShows();
      assert(lab.model.timeline.every(({ outcome }) => outcome === "done" || outcome === "skipped"));
    });
  },
});
