/** Hooks of PostgreSQL's units that are killed, wherever they are, and run again. */
import { assert, assertEquals } from "@std/assert";
import { killRelentlessly } from "../killed.ts";
import type { Lab } from "../units.ts";
import { APP, type Scene, underWrites, withPostgresql } from "./scenario.ts";

// Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
const sanitizeResources = false;
/** A hook that is killed at one point after the other needs as many retries. */
const RETRIES = 400;
/** Every fourth point of each hook, which is every point of those that many units run. */
const STRIDE = 4;

/** What has to be the same however often hooks were killed; addresses by the rank of their unit. */
async function endOf(scene: Scene): Promise<unknown> {
  const { lab } = scene;
  const units = scene.units();
  const rank = (address: string) => units.findIndex((unit) => scene.addressOf(unit) === address);
  const shape = (bag: Readonly<Record<string, string>> = {}) =>
    Object.entries(bag).filter(([, value]) => value !== "").map(([key]) => key).sort();
  const { members } = await scene.view();
  return {
    statuses: units.map((unit) => `${unit} ${lab.statusOf(unit)}`),
    // In the order of their addition, and each once.
    listed: scene.listed().map(rank),
    members: members.map(({ name, role }) => `${name} ${role}`).sort(),
    readOnly: scene.readOnlyEndpoints().split(",").map((endpoint) => rank(endpoint.split(":")[0] ?? "")).sort(),
    application: shape(scene.applicationBag()),
    unitBags: units.map((unit) => shape(scene.unitBag(unit))),
    secrets: Object.values(lab.model.world.secrets).map(({ owner, revisions }) => [
      owner,
      shape(revisions.at(-1)?.content),
    ]),
  };
}

async function lifeOf(kill: boolean): Promise<{ ends: unknown[]; kills: number }> {
  const ends: unknown[] = [];
  let kills = 0;
  using stack = new DisposableStack();
  const prepare = (lab: Lab) => void (kill && stack.use(killRelentlessly(lab, STRIDE)));
  await withPostgresql(1, async (scene) => {
    ends.push(await endOf(scene));
    await underWrites(kill ? "1 to 3 units, every hook killed" : "1 to 3 units", scene, () => scene.grow(3));
    ends.push(await endOf(scene));
    await underWrites(
      kill ? "3 to 2 units, every hook killed" : "3 to 2 units",
      scene,
      () => scene.shrink([`${APP}/1`]),
    );
    ends.push(await endOf(scene));
    kills = scene.lab.model.timeline.filter(({ outcome }) => outcome === "killed").length;
  }, { retries: RETRIES, prepare });
  return { ends, kills };
}

Deno.test({
  name: "postgresql: units whose every hook is killed again and again end as others do",
  sanitizeResources,
  async fn() {
    const undisturbed = await lifeOf(false);
    const killed = await lifeOf(true);
    assertEquals(undisturbed.kills, 0);
    assert(killed.kills > 50, `only ${killed.kills} kills`);
    assertEquals(killed.ends, undisturbed.ends);
    console.log(`${killed.kills} kills`);
  },
});

Deno.test({
  name: "postgresql: hooks that list a unit, killed at each thing that they send to the agent, Patroni and PostgreSQL",
  sanitizeResources,
  async fn() {
    await withPostgresql(3, async (scene) => {
      const { lab, leader } = scene;
      const before = await endOf(scene);
      const runs = lab.model.timeline.length;
      await underWrites("hooks that list a unit are killed at every point", scene, async () => {
        await loseFromList(scene, scene.addressOf("postgresql/2"));
        using _ = killRelentlessly(lab);
        lab.model.updateStatus();
        await lab.model.settle();
      });
      await scene.untilWhole(3);
      const killed = lab.model.timeline.slice(runs).filter(({ outcome }) => outcome === "killed");
      assert(killed.filter(({ unit, name }) => unit === leader && name === "update-status").length > 20);
      console.log(`${killed.length} kills`);
      assertEquals(await endOf(scene), before);
    }, { retries: RETRIES });
  },
});

/** Takes a member that runs out of the list: the leader's next hook lists it again. */
async function loseFromList(scene: Scene, address: string): Promise<void> {
  const { lab, leader } = scene;
  const file = await Deno.makeTempFile({ dir: lab.directory });
  const left = JSON.stringify(scene.listed().filter((listed) => listed !== address));
  await Deno.writeTextFile(file, JSON.stringify({ members_ips: left }));
  const relation = `database-peers:${scene.peerRelation().id}`;
  const { code, stderr } = await lab.model.exec(leader, `relation-set --app -r ${relation} --file ${file}`);
  assertEquals([code, stderr], [0, ""]);
}
