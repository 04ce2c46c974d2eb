/**
 * Writes on whichever site takes them, and what became of them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { openUnit } from "../mysql/formation.ts";
import { startWriter, type Writer, writtenBy } from "../mysql/scenario_writer.ts";
import type { Lab } from "../units.ts";
import { EAST, PATIENCE_MS, type Sites, WEST } from "./sites.ts";

/** What a part of a scenario cost; times in milliseconds. */
export interface Cost {
  readonly ms: number;
  readonly rows: number;
  readonly gapMs: number;
}

/** Runs a part under writes and prints what it cost. */
export async function underWrites(
  what: string,
  sites: Sites,
  part: () => Promise<void>,
  apps?: readonly string[],
): Promise<void> {
  const { ms, rows, gapMs } = await rowsDuring(sites, part, apps);
  console.log(`  ${what}: ${ms} ms, ${rows} rows acknowledged, 0 lost, longest gap ${gapMs} ms`);
}

/** Runs a part under writes; fails when a row is lost, tables differ, or two clusters took writes at the same time. */
export async function rowsDuring(
  sites: Sites,
  part: () => Promise<void>,
  apps: readonly string[] = [EAST, WEST],
): Promise<Cost> {
  const writer = startWriter(() => sites.openForWrites());
  try {
    await sites.lab.waitFor("the first row", () => writer.acknowledged.size > 0);
    const began = performance.now();
    await part();
    const ms = Math.round(performance.now() - began);
    const before = writer.acknowledged.size;
    await sites.lab.waitFor("one more row", () => writer.acknowledged.size > before);
    await writer.stop();
    await assertNothingLost(sites, writer, apps);
    sites.sampler.assertOneCluster();
    return { ms, rows: writer.acknowledged.size, gapMs: Math.round(writer.longestGapMs()) };
  } finally {
    await writer.stop();
  }
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
