/** The action restore, killed wherever it is, and run again. */
import { assertEquals } from "@std/assert";
import { killEverywhere, type Round } from "../killed.ts";
import { clearProcesses } from "../units_processes.ts";
import { completed } from "../tasks.ts";
import { APP, type Scene, withEtcd } from "./scenario.ts";
import { endOf } from "./scenario_end.ts";

// Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
const sanitizeResources = false;
const UNIT = `${APP}/0`;
const KEY = "restored";

function snapshotOf({ lab }: Scene): string {
  return `${lab.directory}/one.db`;
}

async function put(scene: Scene, value: string): Promise<void> {
  using etcd = scene.open();
  await etcd.kv.put(KEY, value, { repeatable: true });
}

/** The operator runs the action until it says that it is done. */
async function restore(scene: Scene): Promise<void> {
  const { lab } = scene;
  await lab.settleUntil("the restore to be done", async () => {
    const task = await lab.model.run(UNIT, "restore", { snapshot: snapshotOf(scene), confirm: true });
    if (task.status !== "completed" && task.message !== "action terminated") throw new Error(task.message);
    return task.status === "completed";
  });
  await scene.untilWhole(1);
}

async function endOfRestore(scene: Scene): Promise<unknown> {
  using etcd = scene.open();
  const files = await Array.fromAsync(Deno.readDir(scene.lab.unitDirectory(UNIT)), ({ name }) => name);
  const data = files.filter((name) => name.startsWith("data")).sort();
  return { end: await endOf(scene), value: await etcd.kv.getText(KEY), data };
}

async function prepare(scene: Scene): Promise<void> {
  await put(scene, "before");
  await completed(scene.lab.model.run(UNIT, "snapshot", { path: snapshotOf(scene) }));
}

Deno.test({
  name: "etcd: a restore that is killed at each hook command and each request ends as one that is not, when repeated",
  sanitizeResources,
  async fn() {
    await withEtcd(1, async (scene) => {
      await prepare(scene);
      const start = performance.now();
      const begin = async (): Promise<Round> => {
        await put(scene, "after");
        return {
          lab: scene.lab,
          unit: UNIT,
          act: () => restore(scene),
          end: () => endOfRestore(scene),
          [Symbol.asyncDispose]: () => Promise.resolve(),
        };
      };
      const { commands, requests, kills } = await killEverywhere({ hook: "restore", begin });
      const seconds = Math.round((performance.now() - start) / 1000);
      console.log(`restore: ${commands} hook commands, ${requests} requests, ${kills} kills: ${seconds} s`);
      await scene.assertNoSecretShows();
    });
  },
});

Deno.test({
  name: "etcd: a restore that was killed between its moves of the data loses none of it, and can be repeated",
  sanitizeResources,
  async fn() {
    await withEtcd(1, async (scene) => {
      const { lab } = scene;
      await prepare(scene);
      await put(scene, "after");
      await restore(scene);
      const expected = await endOfRestore(scene);
      const data = `${lab.unitDirectory(UNIT)}/data`;
      for (const movesBack of [false, true]) {
        await put(scene, "after");
        await clearProcesses(lab.unitDirectory(UNIT), 0);
        await Deno.remove(`${data}.before-restore`, { recursive: true });
        await Deno.rename(data, `${data}.before-restore`);
        lab.model.updateStatus(APP);
        await lab.model.settle();
        assertEquals(lab.statusOf(UNIT).split(":")[0], "blocked", "hooks make no empty cluster");
        if (movesBack) {
          await Deno.rename(`${data}.before-restore`, data);
          await scene.untilWhole(1);
          using etcd = scene.open();
          assertEquals(await etcd.kv.getText(KEY), "after", "the old data is what it was");
        } else {
          await restore(scene);
          assertEquals(await endOfRestore(scene), expected);
        }
      }
      lab.model.removeUnit(UNIT);
      await lab.settleUntil("the unit to be gone", () => scene.units().length === 0);
      const left = await Array.fromAsync(Deno.readDir(lab.unitDirectory(UNIT)), ({ name }) => name);
      assertEquals(left.filter((name) => name.startsWith("data")), ["data"], "only what is nowhere else");
    });
  },
});
