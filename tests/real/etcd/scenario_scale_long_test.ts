/** Units come and go, and their members fail. */
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { type Scene, underWrites, withEtcd } from "./scenario.ts";
import { failMembers } from "./scenario_failures.ts";

Deno.test({
  name: "etcd: 1, 3, 5, 3 units and 1 again, failures, two leave at once, the leader first, a join while one is down",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withEtcd(1, async (scene) => {
      await underWrites("1 to 3 members", scene, () => scene.grow(3));
      await underWrites("3 to 5 members", scene, () => scene.grow(5));
      await underWrites("5 to 3 members: two leave at once", scene, () => scene.shrink(["etcd/3", "etcd/4"]));
      await failMembers(scene);
      const { leader } = scene;
      await underWrites("3 to 2 members: the Juju leader leaves first", scene, () => scene.shrink([leader]));
      assertNotEquals(scene.leader, leader);
      await underWrites("2 to 3 members under the new leader", scene, () => scene.grow(3));
      await underWrites("3 to 4 members: a join while a member is down", scene, () => joinWhileOneIsDown(scene));
      await underWrites("4 to 3 members", scene, () => scene.shrink(scene.units().slice(-1)));
      await underWrites("3 to 1 member: two leave at once, the leader with them", scene, () => {
        const others = scene.units().filter((unit) => unit !== scene.leader);
        return scene.shrink([scene.leader, ...others.slice(0, 1)]);
      });
      await scene.assertNoSecretShows();
    });
  },
});

/** The cluster refuses another member as long as one of it does not answer. */
async function joinWhileOneIsDown(scene: Scene): Promise<void> {
  const { lab } = scene;
  const units = scene.units();
  const down = units.find((unit) => unit !== scene.leader) ?? "";
  lab.pauseServer(down);
  try {
    const [joining = ""] = await lab.model.addUnit("etcd");
    await lab.settleUntil("the join to wait", () => {
      assertMatch(lab.statusOf(joining), /^waiting: Waiting to retry etcd registration/);
      return true;
    });
    console.log(`  ${joining} says: ${lab.statusOf(joining)}`);
    assertEquals((await scene.members()).length, units.length, "nobody was added");
  } finally {
    lab.resumeServer(down);
  }
  await scene.untilWhole(units.length + 1);
}
