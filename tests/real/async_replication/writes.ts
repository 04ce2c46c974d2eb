/**
 * Writes on whichever site takes them, and what became of them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { openUnit } from "../mysql/formation.ts";
import { startMysqlWriter, writtenBy } from "../mysql/scenario_writer.ts";
import { type Cost, measureUnderWrites, printCost, type Writer } from "../row_writer.ts";
import type { Lab } from "../units.ts";
import { EAST, PATIENCE_MS, type Sites, WEST } from "./sites.ts";

/** Runs a part under writes and prints what it cost. */
export async function underWrites(
  what: string,
  sites: Sites,
  part: () => Promise<void>,
  apps?: readonly string[],
): Promise<void> {
  printCost(`  ${what}`, await rowsDuring(sites, part, apps));
}

/** Runs a part under writes; fails when a row is lost, tables differ, or two clusters took writes at the same time. */
export async function rowsDuring(
  sites: Sites,
  part: () => Promise<void>,
  apps: readonly string[] = [EAST, WEST],
): Promise<Cost> {
  const writer = startMysqlWriter(() => sites.openForWrites());
  return await measureUnderWrites(sites.lab, writer, part, async () => {
    await assertNothingLost(sites, writer, apps);
    sites.sampler.assertOneCluster();
  });
}

/** Waits until all servers have the same rows of a writer, all that were acknowledged among them. */
async function assertNothingLost(sites: Sites, writer: Writer, apps: readonly string[]): Promise<void> {
  const units = apps.flatMap((app) => sites.units(app));
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
