/** What can go wrong while a cluster is formed, and how it goes on. */
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { deferralsOf } from "../../demo/facts.ts";
import { type Scene, underWrites, withPostgresql } from "./scenario.ts";

Deno.test({
  name: "postgresql: two units start a first member; the primary is killed during a join; addresses change",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    let first = "";
    await withPostgresql(3, async (scene) => {
      const { faults, unit } = scene.lab.model.timeline.find((run) => run.faults.length > 0) ?? {};
      assertEquals([unit, faults?.length], [first, 1], "the first leader has lost its leadership in its hook");
      assertNotEquals(scene.leader, first);
      const started = (each: string) =>
        scene.lab.model.log(each).some(({ message }) => /config started$/.test(message));
      assertEquals([first, scene.leader].map(started), [true, true], "both have started a Patroni");
      await underWrites("the primary is killed during a join", scene, async () => {
        await scene.lab.model.addUnit("postgresql");
        const settling = scene.lab.model.settle();
        await scene.killMember(await scene.primary());
        await settling;
        await scene.untilWhole(4);
      });
      await addressesChange(scene);
    }, {
      beforeStore({ lab, leader }) {
        first = leader;
        lab.model.addFault({ unit: leader, hook: "etcd-relation-changed", at: "before-commit", do: "lose-leadership" });
      },
    });
  },
});

async function addressesChange(scene: Scene): Promise<void> {
  const { lab } = scene;
  const size = scene.units().length;
  const move = async (unit: string, address: string) => {
    lab.model.setAddress(unit, address);
    await lab.settleUntil(`${unit} to be at ${address}`, () => scene.listed().includes(address));
    await scene.untilWhole(size);
    assertEquals(scene.listed().length, size, "the old address has left the list");
  };
  const primary = await scene.primary();
  const replica = scene.units().find((unit) => unit !== primary) ?? "";
  await underWrites("a replica's address changes", scene, () => move(replica, lab.address(30)));
  await underWrites("the primary's address changes", scene, () => move(primary, lab.address(31)));
}

Deno.test({
  name: "postgresql: a copy that fails holds up the next unit, and heals",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withPostgresql(1, async (scene) => {
      const { lab } = scene;
      await underWrites("a copy fails, then heals", scene, async () => {
        const [first = ""] = await lab.model.addUnit("postgresql");
        // A file where the data is to go: pg_basebackup fails again and again.
        const home = join(lab.unitDirectory(first), "postgresql");
        await Deno.mkdir(join(home, "data"), { recursive: true });
        await Deno.writeTextFile(join(home, "data", "in-the-way"), "");
        await lab.settleUntil(
          "a member that is not ready",
          async () => (await scene.view("postgresql/0")).members.some(({ state }) => !/running|streaming/.test(state)),
        );
        const from = lab.model.timeline.length;
        const [second = ""] = await lab.model.addUnit("postgresql");
        for (let round = 0; round < 3; round++) {
          await lab.model.settle();
          lab.model.updateStatus();
        }
        await lab.model.settle();
        const reasons = lab.model.timeline.slice(from).flatMap((run) => deferralsOf(run).added).join("\n");
        const member = first.replace("/", "-");
        assertMatch(
          reasons,
          new RegExp(`for the cluster's members: ${member} \\((creating replica|stopped|starting)\\)`),
        );
        assertEquals(scene.listed().includes(scene.addressOf(second)), false, "one copy at a time");
        assertMatch(lab.statusOf(first), new RegExp(`^waiting: awaiting for member to start: ${first} `));
        assertEquals(new Set(scene.listed()).size, scene.listed().length, "nobody is listed twice");
        await Deno.remove(join(home, "data"), { recursive: true });
        await scene.untilWhole(3);
      });
    });
  },
});

Deno.test({
  name: "postgresql: etcd is away and comes back; leadership moves; the databag is damaged",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withPostgresql(3, async (scene, etcd) => {
      const { lab } = scene;
      const [first, ...others] = etcd.members;
      if (!first) throw new Error("etcd has no member");
      await underWrites("one of three etcd members is lost", scene, async () => {
        await etcd.kill(first);
        lab.model.updateStatus();
        await lab.model.settle();
        await scene.untilWhole(3);
        await etcd.start(first);
      });
      await underWrites("etcd loses its quorum, and has it again", scene, async () => {
        for (const member of others) await etcd.kill(member);
        await lab.settleUntil(
          "the leader to see no primary",
          () => lab.statusOf(scene.leader) === "waiting: no primary in the cluster",
        );
        for (const member of others) await etcd.start(member);
        await scene.untilWhole(3);
      });
      await underWrites("leadership moves while a unit is added", scene, async () => {
        await lab.model.addUnit("postgresql");
        const settling = lab.model.settle();
        lab.model.setLeader(scene.units().find((unit) => unit !== scene.leader) ?? "");
        await settling;
        await scene.untilWhole(4);
      });
      await damagedList(scene);
    }, { stores: 3 });
  },
});

async function damagedList(scene: Scene): Promise<void> {
  const { lab, leader } = scene;
  const relation = `database-peers:${scene.peerRelation().id}`;
  const write = async (value: string) => {
    const file = await Deno.makeTempFile({ dir: lab.directory });
    await Deno.writeTextFile(file, JSON.stringify({ members_ips: value }));
    const { code, stderr } = await lab.model.exec(leader, `relation-set --app -r ${relation} --file ${file}`);
    assertEquals([code, stderr], [0, ""]);
    lab.model.updateStatus();
    await lab.model.settle();
  };
  const good = scene.applicationBag().members_ips ?? "";
  for (const bad of ["{", '"x"', '["10.0.0.1\\n; DROP"]']) {
    await write(bad);
    for (const unit of scene.units()) {
      assertStringIncludes(lab.statusOf(unit), "blocked: members_ips of the application");
    }
    assertEquals(scene.applicationBag().members_ips, bad, "it is not overwritten");
  }
  await write(good);
  await scene.untilWhole(4);
}
