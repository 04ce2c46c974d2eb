/** Hooks of etcd's units that are killed, wherever they are, and run again. */
import { assert, assertEquals } from "@std/assert";
import { killEverywhere, killRelentlessly, type Round } from "../killed.ts";
import { APP, openScene, type Scene, withEtcd } from "./scenario.ts";
import { endOf } from "./scenario_end.ts";

// Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
const sanitizeResources = false;
/** A hook that is killed at one point after the other needs as many retries. */
const RETRIES = 200;
/** Every fifth point of each hook, which is every point of those that units run often. */
const STRIDE = 5;
const LOSER = "etcd/1";

async function lifeOf(kill: boolean): Promise<{ formed: unknown; grown: unknown; shrunk: unknown; kills: number }> {
  await using scene = await openScene(1, { retries: RETRIES });
  using _ = kill ? killRelentlessly(scene.lab, STRIDE) : undefined;
  try {
    await scene.untilWhole(1);
    const formed = await endOf(scene);
    await scene.grow(3);
    const grown = await endOf(scene);
    await scene.shrink(["etcd/0"]);
    const shrunk = await endOf(scene);
    const kills = scene.lab.model.timeline.filter(({ outcome }) => outcome === "killed").length;
    return { formed, grown, shrunk, kills };
  } catch (error) {
    console.log(await scene.lab.describe());
    throw error;
  }
}

Deno.test({
  name: "etcd: units whose every hook is killed again and again end as others do",
  sanitizeResources,
  async fn() {
    const { kills: none, ...undisturbed } = await lifeOf(false);
    const start = performance.now();
    const { kills, ...killed } = await lifeOf(true);
    assertEquals(none, 0);
    assert(kills >= 20, `only ${kills} kills`);
    assertEquals(killed, undisturbed);
    console.log(`${kills} kills: ${Math.round((performance.now() - start) / 1000)} s`);
  },
});

Deno.test({
  name: "etcd: a hook that replaces a member that lost its disk, killed at each hook command and each request to etcd",
  sanitizeResources,
  async fn() {
    await withEtcd(3, async (scene) => {
      const start = performance.now();
      const report = await killEverywhere({ hook: "update-status", begin: () => beginLoss(scene) });
      const seconds = Math.round((performance.now() - start) / 1000);
      console.log(`${report.commands} hook commands, ${report.requests} requests, ${report.kills} kills: ${seconds} s`);
      assert(report.requests > 5, "it looks, removes the old member, adds the new one, and lets it vote");
      await scene.assertNoSecretShows();
    });
  },
});

async function beginLoss(scene: Scene): Promise<Round> {
  await scene.lab.wipeData(LOSER);
  return {
    lab: scene.lab,
    unit: LOSER,
    async act() {
      scene.lab.model.updateStatus(APP);
      await scene.untilWhole(3);
    },
    end: () => endOf(scene),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
