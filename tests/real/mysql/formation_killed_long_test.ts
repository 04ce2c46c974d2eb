/** Hooks that are killed while the servers of the example charm `mysql` become a cluster. */
import { assert, assertEquals } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { readServer } from "../../../interfaces/clients/mysql/status.ts";
import { withLab } from "../units.ts";
import {
  deployMysql,
  isWhole,
  makeTable,
  membersOf,
  openUnit,
  PATIENCE_MS,
  primaryUnit,
  rowsOf,
  statesOf,
  writeRow,
} from "./formation.ts";

const UNITS = ["mysql/0", "mysql/1", "mysql/2"];
/** Runs of hooks and actions that are killed, of each unit. */
const KILLS = 12;
/** Seconds after which the first is killed, and by which each next one lives longer. */
const FIRST_S = 0.15;
const STEP_S = 0.45;

const mysql = await mysqlForTests();

Deno.test({
  name: "mysql charm: hooks that are killed at many moments still make one cluster",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withLab({ server: "mysqld", retries: 1000 }, async (lab) => {
      const runs = new Map<string, number>();
      lab.intercept = (unit, command) => {
        const run = runs.get(unit) ?? 0;
        runs.set(unit, run + 1);
        if (run >= KILLS) return command;
        const seconds = (FIRST_S + STEP_S * run).toFixed(2);
        // In the foreground: what the hook has started lives on, as it does when an agent dies.
        return ["timeout", "--foreground", "--signal=KILL", seconds, ...command];
      };
      await deployMysql(lab, mysql, UNITS.length);
      await lab.settleUntil("a cluster of three", () => isWhole(lab, 3), PATIENCE_MS);
      const killed = lab.model.timeline.filter(({ exit }) => exit === 137).length;
      console.log(`  ${killed} of ${lab.model.timeline.length} runs were killed`);
      assert(killed > 0, "nothing was killed");

      for (const unit of UNITS) {
        assertEquals((await statesOf(lab, unit)).map(({ state }) => state), Array(3).fill("ONLINE"));
      }
      const primary = await primaryUnit(lab, UNITS) ?? "";
      await makeTable(lab, primary);
      await writeRow(lab, primary, 1);
      for (const unit of UNITS) await lab.waitFor(`the row on ${unit}`, async () => await rowsOf(lab, unit) === "1");
      assertEquals(await membersOf(lab, primary), UNITS);
      const groups = await Promise.all(UNITS.map(async (unit) => {
        await using db = await openUnit(lab, unit);
        const { groupName, gtidExecuted } = await readServer(db);
        return { groupName, sources: [...new Set(gtidExecuted.split(",").map((part) => part.split(":")[0]))] };
      }));
      const [{ groupName = "" } = {}] = groups;
      // Transactions of a server's own would keep it out of the group one day.
      assertEquals(groups, Array(3).fill({ groupName, sources: [groupName] }));
    });
  },
});
