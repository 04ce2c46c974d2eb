/** The charm's units form a cluster and serve a client; hooks without news leave the servers alone. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openEtcd } from "../../../interfaces/clients/etcd/client.ts";
import { type Scene, withEtcd } from "./scenario.ts";

// Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
const sanitizeResources = false;
const POLL_MS = 20;

/** Runs the hooks that are due and returns the names of those that a unit ran. */
async function hooksOf(scene: Scene, unit: string, what: () => void): Promise<string[]> {
  const { model } = scene.lab;
  const before = model.timeline.length;
  what();
  await model.settle();
  return model.timeline.slice(before).filter((entry) => entry.unit === unit).map(({ name }) => name);
}

/** Milliseconds from the moment at which a member of that number is registered until it votes; asked all the time. */
async function watchJoin(scene: Scene, size: number, isOver: () => boolean): Promise<number | undefined> {
  using etcd = scene.open();
  let registered = 0;
  for (; !isOver(); await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
    const members = await etcd.members.list().catch(() => []);
    if (members.length < size) continue;
    registered ||= performance.now();
    if (members.every(({ name, isLearner }) => name !== "" && !isLearner)) return performance.now() - registered;
  }
  return undefined;
}

Deno.test({
  name: "etcd charm: one unit becomes three, a client is served, a unit leaves",
  sanitizeResources,
  async fn() {
    await withEtcd(1, async (scene) => {
      const { lab } = scene;
      assertEquals(lab.statusOf("etcd/0"), "active: Healthy with 1 known peer");
      const start = performance.now();
      let isWhole = false;
      const joined = watchJoin(scene, 3, () => isWhole);
      await scene.grow(3).finally(() => isWhole = true);
      console.log(`  two units joined within ${Math.round(performance.now() - start)} ms`);
      console.log(`  the third member votes ${Math.round(await joined ?? NaN)} ms after its registration`);
      assertEquals(lab.statusOf("etcd/2"), "active: Healthy with 3 known peers");

      const access = scene.access();
      assert(access);
      assertEquals(access.endpoints.split(",").length, 3);
      for (const endpoint of access.endpoints.split(",")) {
        const opened = performance.now();
        using etcd = openEtcd({ endpoints: endpoint, tls: access.tls });
        await etcd.kv.getText("from");
        console.log(`  first request over mutual TLS: ${Math.round(performance.now() - opened)} ms`);
        await etcd.kv.put("from", endpoint, { repeatable: true });
        assertEquals(await etcd.kv.getText("from"), endpoint);
      }

      await scene.shrink(["etcd/1"]);
      assertEquals(lab.statusOf("etcd/0"), "active: Healthy with 2 known peers");
      assertEquals(lab.processes("etcd/1"), []);
      using etcd = scene.open();
      assertEquals(await etcd.kv.getText("from"), access.endpoints.split(",")[2]);
      await scene.assertNoSecretShows();
    });
  },
});

Deno.test({
  name: "etcd charm: hooks without news ask no member, update-status does",
  sanitizeResources,
  async fn() {
    await withEtcd(1, async (scene) => {
      const { lab } = scene;
      const [unit] = ["etcd/0"];
      lab.pauseServer(unit);
      try {
        const hooks = await hooksOf(scene, unit, () => lab.model.setConfig("etcd", { "rotation-pause": 1 }));
        assertEquals(hooks, ["config-changed"]);
        assertEquals(lab.statusOf(unit), "active: Healthy with 1 known peer");
        assertEquals(await hooksOf(scene, unit, () => lab.model.updateStatus()), ["update-status"]);
        assertStringIncludes(lab.statusOf(unit), "blocked: Errored with 0 known peers");
      } finally {
        lab.resumeServer(unit);
      }
      await scene.untilWhole(1);

      lab.model.setConfig("etcd", { "data-directory": "/elsewhere" });
      await lab.model.settle();
      assertEquals(
        lab.statusOf(unit),
        `blocked: data-directory cannot be changed: set it back to ${lab.dataDirectory}`,
      );
      lab.model.setConfig("etcd", { "data-directory": lab.dataDirectory });
      await scene.untilWhole(1);
    });
  },
});
