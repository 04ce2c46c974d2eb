/** A cluster formed from nothing, used by a charm, that outlives a crash and the removal of its leader. */
import { assertMatch } from "@std/assert";
import { assertFilesAreClosed, assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import { underWrites, withEtcd } from "./scenario.ts";

Deno.test({
  name: "etcd: three units from nothing, a consumer, a crash, and the leader leaves",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withEtcd(1, async (scene) => {
      const { lab } = scene;
      await lab.deploy({ charm: "etcd-client" });
      lab.model.relate("etcd-client:etcd", "etcd:db");
      const consumerSees = (members: string) =>
        lab.settleUntil(`the consumer to see ${members}`, () => {
          assertMatch(lab.statusOf("etcd-client/0"), new RegExp(`^active: etcd 3\\.[0-9.]+, ${members}$`));
          return true;
        });
      await consumerSees("1 member");

      await underWrites("main: 1 to 3 members", scene, () => scene.grow(3));
      await consumerSees("3 members");
      await underWrites("main: a member is killed", scene, async () => {
        await lab.killServer("etcd/2");
        await scene.untilWhole(3);
      });
      const secrets = await findSecrets(lab);
      await underWrites("main: the Juju leader leaves", scene, () => scene.shrink([scene.leader]));
      await consumerSees("2 members");
      await assertNoSecretShows(lab, secrets);
      await assertFilesAreClosed(lab);
    });
  },
});
