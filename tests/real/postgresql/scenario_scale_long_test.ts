/** Units come and go under writes: 1, 3, 5, 3, 1, the leader of Juju among those that go; TLS is turned off on the way. */
import { assertEquals } from "@std/assert";
import { REST_PORT, type Scene, underWrites, withPostgresql } from "./scenario.ts";

Deno.test({
  name: "postgresql: 1, 3, 5, 3 and 1 units, TLS off, and the number of synchronous replicas",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withPostgresql(1, async (scene) => {
      const { lab } = scene;
      await underWrites("1 to 3 units", scene, () => scene.grow(3));
      await underWrites("TLS off", scene, () => turnTlsOff(scene));
      await underWrites("3 to 5 units", scene, () => scene.grow(5));
      await underWrites("synchronous-node-count=1", scene, async () => {
        lab.model.setConfig("postgresql", { "synchronous-node-count": "1" });
        const count = async () => (await scene.view()).members.filter(({ role }) => role === "sync_standby").length;
        await lab.settleUntil("one synchronous replica", async () => await count() === 1);
        lab.model.setConfig("postgresql", { "synchronous-node-count": "all" });
        await scene.untilWhole(5);
      });
      await underWrites("the leader and another leave", scene, async () => {
        const other = scene.units().find((unit) => unit !== scene.leader) ?? "";
        await scene.shrink([scene.leader, other]);
      });
      await underWrites("3 units to 1", scene, () => scene.shrink(scene.units().slice(1)));
      assertEquals(scene.listed(), [scene.addressOf(scene.units()[0] ?? "")]);
      console.log("longest hook", scene.longestHook());
    }, { config: { tls: true } });
  },
});

/** Sessions that are there, replication among them, are in clear again, too. */
async function turnTlsOff(scene: Scene): Promise<void> {
  const { lab } = scene;
  const sessions = async () => (await scene.replicationSessions()).join();
  await lab.settleUntil("encrypted replication", async () => await sessions() === "TLSv1.3,TLSv1.3");
  lab.model.setConfig("postgresql", { tls: false });
  await lab.settleUntil("replication in clear", async () => await sessions() === "clear,clear");
  await scene.untilWhole(3);
  for (const unit of scene.units()) {
    assertEquals(scene.unitBag(unit).tls ?? "", "", unit);
    const response = await fetch(`http://${scene.addressOf(unit)}:${REST_PORT}/liveness`);
    await response.body?.cancel();
    assertEquals(response.status, 200, "Patroni speaks http");
  }
}
