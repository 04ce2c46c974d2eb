/** Hooks and actions that are killed at everything that they change: the end is that of those that are not. */
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { GeneralLogs } from "./general_logs.ts";
import { PARTS } from "./killed_parts.ts";
import { EAST, makeWriterTable, withSites } from "./sites.ts";

const mysql = await mysqlForTests();

Deno.test({
  name: "async replication: hooks and actions killed at each kind of statement and hook command still end as others do",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, { eastUnits: 2, concurrency: 1 }, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      using logs = await GeneralLogs.open(sites.lab, sites.allUnits());
      for (const part of Object.values(PARTS)) await part({ sites, killing: { logs, aim: { every: false } } });
      sites.sampler.assertOneCluster();
    });
  },
});
