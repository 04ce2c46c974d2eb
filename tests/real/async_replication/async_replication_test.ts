/** Two clusters in two models: the second becomes a replica of the first, they change roles, and part. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { connectionsOf } from "../mysql/formation.ts";
import { EAST, makeWriterTable, OFFER, REPLICA, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();

Deno.test({
  name: "async replication: two sites are related, change roles there and back, and part",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, {}, async (sites) => {
      const { lab } = sites;
      await makeWriterTable(lab, await sites.writable(EAST) ?? "");

      const related = performance.now();
      sites.relate();
      assertMatch(await sites.run(EAST, "create-replication"), /being set up/);
      await sites.untilReplicating();
      console.log(`  related, replica with all members: ${Math.round(performance.now() - related)} ms`);
      printAttachment(sites);
      assert(sites.clusterName(EAST) !== sites.clusterName(WEST), "two clusters of one name");
      assertEquals(sites.setName(WEST), sites.setName(EAST));

      await noNews(sites);
      await refusedUnasked(sites);
      sites.sampler.begin();
      const set = { "cluster-set-name": sites.setName(EAST) };
      await underWrites("switchover and back", sites, async () => {
        assertMatch(await sites.run(WEST, "promote-standby-cluster", set), /promoted to primary/);
        assertEquals(await sites.writable(EAST), undefined);
        assert(await sites.writable(WEST));
        await sites.untilReplicating(EAST);
        assertMatch(await sites.run(EAST, "promote-to-primary", { scope: "cluster" }), /promoted to primary/);
        assertEquals(await sites.writable(WEST), undefined);
        await sites.untilReplicating(WEST);
      });
      for (const unit of [sites.leader(EAST), sites.leader(WEST)]) {
        const said = lab.model.log(unit).filter(({ message }) => message.includes("promoted in"));
        for (const { message } of said) console.log(`  ${unit}: ${message}`);
        console.log(`  the action: ${sites.longestRun(unit, /^promote-/)} ms`);
      }
      console.log(`  no server took writes for at most ${sites.sampler.longestGapMs()} ms`);

      sites.unrelate();
      await lab.settleUntil("the replica to be on its own", () => {
        for (const unit of sites.units(WEST)) {
          assertEquals(lab.statusOf(unit), "blocked: Standalone read-only unit.");
        }
        return sites.allReady(EAST);
      });
      assertEquals(await sites.writable(WEST), undefined);
      assert(await sites.writable(EAST));
    });
  },
});

/** When the replica's first node was there, and the two hooks that took most of that. */
function printAttachment(sites: Sites): void {
  const { timeline } = sites.lab.model;
  const longest = (app: string, name: string) =>
    timeline.filter((run) => run.unit === sites.leader(app) && run.name === name)
      .reduce((most, run) => run.end - run.start > most.end - most.start ? run : most);
  const related = timeline.find(({ name }) => name === `${OFFER}-relation-created`)?.start ?? 0;
  const [ended, made] = [longest(WEST, "cluster-relation-changed"), longest(EAST, `${OFFER}-relation-changed`)];
  const [whole, ending, making] = [made.end - related, ended.end - ended.start, made.end - made.start].map(Math.round);
  console.log(`  first node attached: ${whole} ms; its cluster's end ${ending} ms, the hook that made it ${making} ms`);
}

/** An action that only leaders may run is refused elsewhere without a word to the server, which may hang. */
async function refusedUnasked(sites: Sites): Promise<void> {
  const { lab } = sites;
  const other = sites.units(EAST).find((unit) => unit !== sites.leader(EAST)) ?? "";
  // Another time when somebody else connected meanwhile, such as the sampler.
  await lab.waitFor("a refusal that costs no connection", async () => {
    await lab.model.settle();
    const before = await connectionsOf(lab, other);
    assertMatch(await sites.refused(other, "fence-writes", { "cluster-set-name": sites.setName(EAST) }), /leader/);
    assertEquals(await connectionsOf(lab, other), before + 1);
    return true;
  });
}

/** A changed event with nothing to do: each unit that hears of it asks its own server once. */
async function noNews(sites: Sites): Promise<void> {
  const { lab } = sites;
  const units = sites.allUnits();
  const count = () => Promise.all(units.map((unit) => connectionsOf(lab, unit)));
  // Another time when somebody else connected anew meanwhile, such as the sampler.
  await lab.waitFor("a changed event that costs each unit one connection", async () => {
    await lab.model.settle();
    const before = await count();
    const from = lab.model.timeline.length;
    await lab.model.exec(sites.leader(EAST), `relation-set -r ${sites.relationId} --app note=${from}`);
    await lab.model.settle();
    const ran = lab.model.timeline.slice(from).filter(({ name }) => name === `${REPLICA}-relation-changed`);
    assertEquals(ran.map(({ unit }) => unit).sort(), sites.units(WEST), "units that heard of it");
    const after = await count();
    // Counting takes a connection as well.
    const opened = units.map((unit, index) => [unit, (after[index] ?? 0) - (before[index] ?? 0) - 1]);
    assertEquals(opened, units.map((unit) => [unit, sites.units(WEST).includes(unit) ? 1 : 0]), "connections");
    return true;
  });
}
