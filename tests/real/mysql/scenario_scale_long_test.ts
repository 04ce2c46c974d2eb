/** Units come and go under writes through a Router: 1, 3, 5, 3; the primary moves, members are killed. */
import { assertEquals } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { serverPid, statesOf } from "./formation.ts";
import { type Scene, underWrites, withMysql } from "./scenario.ts";

const mysql = await mysqlForTests();

Deno.test({
  name: "mysql: 1, 3, 5 and 3 units; a new primary; members killed, and back before and after they are expelled",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withMysql(mysql, 1, async (scene) => {
      await underWrites("1 to 3 units", scene, () => scene.grow(3));
      await underWrites("set-cluster-primary, Router follows", scene, () => movePrimary(scene));
      await underWrites("3 to 5 units", scene, () => scene.grow(5));
      await underWrites(
        "primary killed, back after it was expelled; a secondary killed, back at once",
        scene,
        async () => {
          const [secondary = ""] = await scene.secondaries();
          await killTwo(scene, secondary, await scene.primary());
        },
      );
      await underWrites(
        "primary killed, back at once; a secondary killed, back after it was expelled",
        scene,
        async () => {
          const [secondary = ""] = await scene.secondaries();
          await killTwo(scene, await scene.primary(), secondary);
        },
      );
      await underWrites("5 to 3 units: Juju's leader, which is the primary, and another leave", scene, async () => {
        const { leader } = scene;
        await scene.run("set-cluster-primary", { address: leader });
        const other = scene.units().find((unit) => unit !== leader) ?? "";
        await scene.shrink([leader, other]);
      });
      const inVain = scene.units().flatMap((unit) => [...scene.lab.model.log(unit)])
        .filter(({ message }) => message.includes("waits in vain for the cluster's data"));
      console.log(`members that waited in vain for data, and joined again: ${inVain.length}`);
    });
  },
});

async function movePrimary(scene: Scene): Promise<void> {
  const [next = ""] = await scene.secondaries();
  await scene.run("set-cluster-primary", { address: next });
  await scene.lab.waitFor("Router at the new primary", async () => await scene.writesGoTo() === next);
  await scene.untilWhole(3);
}

/**
 * Kills two of five at once.
 *
 * @param soon its next hook starts it again, while the others still count it as a member
 * @param late its machine is away until the others have given it up
 */
async function killTwo(scene: Scene, soon: string, late: string): Promise<void> {
  const { lab } = scene;
  const rest = scene.units().filter((unit) => unit !== soon && unit !== late);
  await scene.kill(soon, late);
  const port = scene.told(late).port;
  await scene.whileAway([late], async () => {
    await lab.settleUntil(`the end of ${late} in the group`, async () => {
      const members = await statesOf(lab, rest[0] ?? "");
      return !members.some((member) => member.port === port);
    });
    assertEquals(await serverPid(lab, late), undefined, `server of ${late}`);
  });
  await scene.untilWhole(5);
}
