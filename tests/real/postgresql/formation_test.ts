/** A cluster that forms itself from nothing, under writes, and loses no row when its primary leaves. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { openPatroni } from "../../../interfaces/clients/patroni/client.ts";
import { requestsOf, traceCommand } from "../killed_requests.ts";
import { assertFilesAreClosed, assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import { REST_PORT, type Scene, underWrites, withPostgresql } from "./scenario.ts";

Deno.test({
  name: "postgresql: one unit, three units, TLS, a switchover, and the primary leaves",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withPostgresql(1, async (scene) => {
      const { lab } = scene;
      assertMatch(lab.statusOf("postgresql/0"), /^active: Primary$/);
      await underWrites("1 to 3 units", scene, () => scene.grow(3));
      console.log(`the third unit's hook until its member runs: ${scene.longestHook("postgresql/2").ms} ms`);
      assertEquals(await scene.replicationSessions(), ["clear", "clear"]);
      await measureSettled(scene);
      await underWrites("TLS on", scene, async () => {
        lab.model.setConfig("postgresql", { tls: true });
        await lab.settleUntil(
          "encrypted replication",
          async () => (await scene.replicationSessions()).join() === "TLSv1.3,TLSv1.3",
        );
        await scene.untilWhole(3);
      });
      await underWrites("switchover", scene, async () => {
        const task = await lab.model.run(scene.units()[0] ?? "", "switchover", { unit: "postgresql/2" });
        assertEquals([task.status, task.results.primary], ["completed", "postgresql/2"], task.message);
        await scene.untilWhole(3);
      });
      await showsTheWay(scene);
      const secrets = await findSecrets(lab);
      await underWrites("the primary leaves", scene, async () => scene.shrink([await scene.primary()]));
      await assertNoSecretShows(lab, secrets);
      await assertFilesAreClosed(lab);
      console.log("longest hook:", scene.longestHook());
    });
  },
});

/** Prints how long hooks of a settled unit take: one that asks Patroni twice, and one that asks nobody. */
async function measureSettled(scene: Scene): Promise<void> {
  const { lab, leader } = scene;
  const other = lab.unitsOf("postgresql").find((unit) => unit !== leader) ?? "";
  const quickest = async (endpoint: string): Promise<number> => {
    const from = lab.model.timeline.length;
    for (let round = 0; round < 5; round++) {
      const { code } = await lab.model.exec(other, `relation-set -r $(relation-ids ${endpoint}) measured=${round}`);
      assertEquals(code, 0);
      await lab.model.settle();
    }
    const runs = lab.model.timeline.slice(from).filter(({ unit, name }) =>
      unit === leader && name === `${endpoint}-relation-changed`
    );
    assertEquals(runs.map(({ outcome }) => outcome), Array(5).fill("done"));
    return Math.round(Math.min(...runs.map(({ start, end }) => end - start)));
  };
  const [changed, quiet] = [await quickest("database-peers"), await quickest("restart")];
  const trips = await roundTrips(scene);
  assertEquals(await scene.primary(), leader);
  assertEquals(await requestsOfHook(scene, leader), 2, "the leader asks Patroni twice");
  assertEquals(await requestsOfHook(scene, other), 1, "others ask their own Patroni");
  console.log(
    `the leader of a settled cluster: peer-relation-changed ${changed} ms, a hook that asks nobody ${quiet} ms, ` +
      `Patroni's GET /health and GET /cluster ${trips} ms: ${changed - quiet - trips} ms beyond both`,
  );
}

/** How many requests a unit's hook sends when another one's databag has changed. */
async function requestsOfHook({ lab }: Scene, unit: string): Promise<number> {
  const trace = join(lab.directory, `requests-${unit.replace("/", "-")}`);
  const changer = lab.unitsOf("postgresql").find((each) => each !== unit) ?? "";
  lab.intercept = (ranBy, command, name) =>
    ranBy === unit && name === "database-peers-relation-changed" ? traceCommand(trace, command) : command;
  const { code } = await lab.model.exec(changer, `relation-set -r $(relation-ids database-peers) counted=${unit}`);
  assertEquals(code, 0);
  await lab.model.settle();
  lab.intercept = undefined;
  return (await requestsOf(trace)).length;
}

/** Milliseconds for the two questions of a settled leader, each of a new client as in a hook. */
async function roundTrips(scene: Scene): Promise<number> {
  const address = scene.addressOf(scene.leader);
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    for (const ask of ["health", "cluster"] as const) {
      using patroni = openPatroni({ address, port: REST_PORT, schemes: ["http"] });
      await patroni[ask]();
    }
    times.push(performance.now() - began);
  }
  return Math.round(Math.min(...times));
}

/** `--explain` walks the flowchart of a settled cluster, on a unit that leads and on one that does not. */
async function showsTheWay(scene: Scene): Promise<void> {
  const { lab, leader } = scene;
  const explain = async (unit: string) => {
    const { stdout, stderr } = await lab.model.exec(unit, "hooks/charmlet --explain database-peers-relation-changed");
    return `${stdout}${stderr}`;
  };
  const bagBefore = JSON.stringify(lab.model.world.relations);
  const onLeader = await explain(leader);
  assertStringIncludes(onLeader, "Has cluster initialised? yes");
  assertStringIncludes(onLeader, "Are all the units part of the cluster? yes");
  const onOther = await explain(scene.units().find((unit) => unit !== leader) ?? "");
  assertStringIncludes(onOther, "Is current unit leader? no");
  assertStringIncludes(onOther, "status: active");
  assertEquals(JSON.stringify(lab.model.world.relations), bagBefore, "--explain changes nothing");
}
