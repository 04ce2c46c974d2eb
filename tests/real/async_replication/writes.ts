/**
 * Writes on whichever site takes them, and what became of them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { openUnit } from "../mysql/formation.ts";
import { startMysqlWriter, writtenBy } from "../mysql/scenario_writer.ts";
import { type Cost, measureUnderWrites, printCost, type Writer } from "../row_writer.ts";
import type { Lab } from "../units.ts";
import { PATIENCE_MS, type Sites } from "./sites.ts";

/** Runs a part under writes and prints what it cost. */
export async function underWrites(
  what: string,
  sites: Sites,
  part: () => Promise<void>,
  connect?: () => Promise<Mysql>,
): Promise<void> {
  printCost(`  ${what}`, await rowsDuring(sites, part, connect));
}

/**
 * Runs a part under writes; fails when a row is lost, tables differ, or two clusters took writes at the same time.
 *
 * @param connect connects the writer; to the unit that takes writes, without it
 */
export async function rowsDuring(
  sites: Sites,
  part: () => Promise<void>,
  connect: () => Promise<Mysql> = () => sites.openForWrites(),
): Promise<Cost> {
  const writer = startMysqlWriter(connect);
  return await measureUnderWrites(sites.lab, writer, part, async () => {
    await assertNothingLost(sites, writer);
    sites.sampler.assertOneCluster();
  });
}

/** Waits until all servers have the same rows of a writer, all that were acknowledged among them. */
async function assertNothingLost(sites: Sites, writer: Writer): Promise<void> {
  const units = sites.allUnits();
  await sites.lab.waitFor("the same rows on all servers", async () => {
    for (const unit of units) {
      await using db = await openUnit(sites.lab, unit);
      const rows = await writtenBy(writer, db);
      const lost = [...writer.acknowledged].filter((number) => !rows.has(number));
      assertEquals(lost, [], `acknowledged rows that ${unit} does not have`);
    }
    const sums = new Set(await Promise.all(units.map((unit) => checksum(sites.lab, unit))));
    assertEquals(sums.size, 1, "different tables");
    return true;
  }, PATIENCE_MS);
}

async function checksum(lab: Lab, unit: string): Promise<string> {
  await using db = await openUnit(lab, unit);
  const [row] = await db.query("compare the tables", sql`CHECKSUM TABLE test.written`);
  return String(row?.Checksum);
}
