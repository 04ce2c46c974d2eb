/** Hooks and actions that are killed again and again: the end is that of those that are not. */
import { assert, assertEquals } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { killRelentlessly } from "../killed.ts";
import { killAtSend } from "../killed_requests.ts";
import { EAST, makeWriterTable, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();
/** Sends between two points at which a hook is killed. */
const STRIDE = 40;
/** Least kills of a part: it would be a test of nothing else. */
const MIN_KILLS = 5;

Deno.test({
  name: "async replication: hooks and actions killed at their requests still make, change and end one cluster set",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, { retries: 10_000 }, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      await killed("related", sites, async () => {
        sites.relate();
        await sites.untilReplicating();
      });
      sites.sampler.begin();
      const set = { "cluster-set-name": sites.setName(EAST) };
      await underWrites("a switchover that is killed again and again", sites, async () => {
        await killedAction(sites, WEST, "promote-standby-cluster", set);
        await sites.untilReplicating(EAST);
      });
      await underWrites("fences that are killed again and again", sites, async () => {
        await killedAction(sites, WEST, "fence-writes", set);
        assertEquals(await sites.writable(), undefined);
        await killedAction(sites, WEST, "unfence-writes", set);
      });
      await killed("parted", sites, async () => {
        sites.unrelate();
        await sites.lab.settleUntil("clusters of their own", () => sites.allReady(WEST));
      });
      sites.sampler.assertOneCluster();
    });
  },
});

async function killed(what: string, { lab }: Sites, work: () => Promise<void>): Promise<void> {
  const from = lab.model.timeline.length;
  const began = performance.now();
  {
    using _ = killRelentlessly(lab, STRIDE);
    await work();
  }
  const kills = lab.model.timeline.slice(from).filter(({ outcome }) => outcome === "killed").length;
  assert(kills >= MIN_KILLS, `only ${kills} kills`);
  console.log(`  ${what}: ${kills} hooks killed, ${Math.round(performance.now() - began)} ms`);
}

/** Runs an action that is killed at its first request, then at a later one, until it comes to its end. */
async function killedAction(
  sites: Sites,
  app: string,
  action: string,
  params: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { lab } = sites;
  const unit = sites.leader(app);
  for (let kills = 0;; kills++) {
    lab.intercept = (ranBy, command, name) =>
      ranBy === unit && name === action ? killAtSend(1 + kills * STRIDE, command) : command;
    const { status, message } = await lab.model.run(unit, action, params);
    lab.intercept = undefined;
    const isDone = status === "completed" || /already fenced/.test(message) || /Only a standby/.test(message);
    if (isDone) {
      console.log(`  ${action}: killed ${kills} times`);
      return;
    }
  }
}
