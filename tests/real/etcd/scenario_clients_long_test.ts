/** Charms that use etcd, while its certificates change. */
import { assert, assertEquals, assertMatch } from "@std/assert";
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
  name: "etcd: three consumers over two relations, and certificates that rotate while they are connected",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withEtcd(3, async (scene) => {
      const { lab } = scene;
      await lab.deploy({ charm: "etcd-client", name: "one", units: 2 });
      await lab.deploy({ charm: "etcd-client", name: "two" });
      for (const app of ["one", "two"]) lab.model.relate(`${app}:etcd`, "etcd:db");
      await underWrites("three consumers over two relations", scene, () => consumersAreReady(scene));
      using etcd = scene.open();
      assertEquals(await etcd.kv.count("/etcd-client/"), CONSUMERS.length);

      const first = scene.access()?.tls;
      assert(first);
      await underWrites("the certificates rotate", scene, () => {
        return rotate(scene, {}, ({ ca, cert, key }) => ca === first.ca && cert !== first.cert && key !== first.key);
      });
      await consumersAreReady(scene);
      const last = certificatesOf(first.ca);
      await underWrites("the certificate authority rotates", scene, () => {
        return rotate(scene, { authority: true }, ({ ca }) => certificatesOf(ca).every((pem) => !last.includes(pem)));
      });
      await consumersAreReady(scene);
      await scene.assertNoSecretShows();
      assert(lab.model.timeline.every(({ outcome }) => outcome === "done" || outcome === "skipped"));
    });
  },
});
