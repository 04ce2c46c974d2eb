/**
 * `build/deno task kills -- PART [--share FIRST/OF]`: does a part of the life of two sites once as it is, and once with
 * each hook and action killed at each of its requests; fails when the ends differ.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseArgs } from "@std/cli";
import { BuildError, runScript } from "../../../build/errors.ts";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { GeneralLogs } from "./general_logs.ts";
import type { Aim } from "./kill_points.ts";
import { PARTS } from "./killed_parts.ts";
import { EAST, makeWriterTable, withSites } from "./sites.ts";
import { endOfSites } from "./sites_end.ts";

type Part = keyof typeof PARTS;

const USAGE = `usage: build/deno task kills -- PART [--share FIRST/OF]
  PART     ${Object.keys(PARTS).join(", ")}
  --share  only every so many requests, such as 0/3, 1/3 and 2/3: a third of all each`;

async function main(): Promise<void> {
  const { _: [part], share } = parseArgs(Deno.args, { string: ["share"] });
  if (!isPart(part)) throw new BuildError(USAGE);
  const mysql = await mysqlForTests();
  if (!mysql) throw new BuildError("MySQL is not installed, and cannot be");
  const ends: unknown[] = [];
  for (const aim of [undefined, aimOf(share)]) {
    await withSites(mysql, { eastUnits: 2, concurrency: 1 }, async (sites) => {
      await makeWriterTable(sites.lab, await sites.writable(EAST) ?? "");
      using logs = await GeneralLogs.open(sites.lab, sites.allUnits());
      if (part !== "attach") await PARTS.attach({ sites });
      await PARTS[part]({ sites, ...aim && { killing: { logs, aim } } });
      sites.sampler.assertOneCluster();
      ends.push(await endOfSites(sites));
    });
  }
  assertEquals(ends[1], ends[0], "the end of a part that was killed, and of one that was not");
  console.log("the same end, and never two clusters that took writes");
}

function isPart(name: unknown): name is Part {
  return typeof name === "string" && Object.hasOwn(PARTS, name);
}

function aimOf(share: string | undefined): Aim {
  if (share === undefined) return { each: "request" };
  const [, first, of] = /^(\d+)\/([1-9]\d*)$/.exec(share) ?? [];
  if (first === undefined || Number(first) >= Number(of)) throw new BuildError(USAGE);
  return { each: "request", share: [Number(first), Number(of)] };
}

if (import.meta.main) await runScript(main);
