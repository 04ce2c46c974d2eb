/**
 * Members fail, one and most of them.
 *
 * @module
 */
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { type Scene, underWrites } from "./scenario.ts";

async function idOf(scene: Scene, unit: string): Promise<string> {
  const members = await scene.members();
  return members.find(({ name }) => name === unit.replace("/", ""))?.id ?? "";
}

/** The unit whose member leads the cluster. */
async function leadingUnit(scene: Scene): Promise<string> {
  using etcd = scene.open();
  const serving = (await etcd.maintenance.health()).find(({ healthy }) => healthy);
  if (!serving) return "";
  const { leader } = await etcd.maintenance.status(serving.endpoint);
  const name = (await scene.members()).find(({ id }) => id === leader)?.name;
  return scene.units().find((unit) => unit.replace("/", "") === name) ?? "";
}

/** One of three members is killed, is paused, loses its data; then most and all of them fail. */
export async function failMembers(scene: Scene): Promise<void> {
  const { lab } = scene;
  const units = scene.units();
  const [first = "", second = ""] = units;
  await underWrites("a follower is killed -9", scene, async () => {
    const leading = await leadingUnit(scene);
    await lab.killServer(scene.units().find((unit) => unit !== leading) ?? "");
    await scene.untilWhole(3);
  });
  await underWrites("the leading member is killed -9", scene, async () => {
    await lab.killServer(await leadingUnit(scene));
    await scene.untilWhole(3);
  });
  await underWrites("the leading member is paused", scene, async () => {
    const unit = await leadingUnit(scene);
    const id = await idOf(scene, unit);
    lab.pauseServer(unit);
    try {
      await lab.settleUntil("another to lead", async () => ![unit, ""].includes(await leadingUnit(scene)));
      await lab.settleUntil(`${unit} to say so`, () => !lab.statusOf(unit).startsWith("active"));
      console.log(`  ${unit} says: ${lab.statusOf(unit)}`);
    } finally {
      lab.resumeServer(unit);
    }
    await scene.untilWhole(3);
    assertEquals(await idOf(scene, unit), id, "the same member");
  });
  await underWrites("a member loses its disk", scene, async () => {
    const id = await idOf(scene, second);
    await lab.wipeData(second);
    await scene.untilWhole(3);
    assertNotEquals(await idOf(scene, second), id, "a new member");
  });
  await underWrites("two of three are paused, and go on", scene, async () => {
    const paused = units.slice(1);
    for (const unit of paused) lab.pauseServer(unit);
    try {
      await lab.settleUntil("the loss of quorum to be said", () => {
        assertMatch(lab.statusOf(first), /^(blocked|waiting): .*quorum/i);
        return true;
      });
      console.log(`  ${first} says: ${lab.statusOf(first)}`);
    } finally {
      for (const unit of paused) lab.resumeServer(unit);
    }
    await scene.untilWhole(3);
  });
  await underWrites("all three are killed -9", scene, async () => {
    for (const unit of scene.units()) await lab.killServer(unit);
    await scene.untilWhole(3);
  });
}
