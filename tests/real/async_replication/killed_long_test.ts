/**
 * Hooks and actions that are killed where they change something: the end is that of those that are not. Actions are killed
 * at each change, hooks at each kind of change.
 */
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { GeneralLogs } from "./general_logs.ts";
import { PARTS } from "./killed_parts.ts";
import { EAST, makeWriterTable, withSites } from "./sites.ts";

const mysql = await mysqlForTests();

/** Of parts that an operator brings about by an action. */
const ACTIONS: readonly string[] = ["promote", "fence", "rejoin"];

Deno.test({
  name: "async replication: hooks killed at each kind of change, and actions at each change, still end as others do",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, { eastUnits: 2, concurrency: 1 }, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      using logs = await GeneralLogs.open(sites.lab, sites.allUnits());
      for (const [name, part] of Object.entries(PARTS)) {
        const each = ACTIONS.includes(name) ? "change" : "kind of change";
        await part({ sites, killing: { logs, aim: { each } } });
      }
      sites.sampler.assertOneCluster();
    });
  },
});
