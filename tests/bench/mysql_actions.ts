/**
 * What the actions on a cluster set cost beyond the statements that they run.
 *
 * @module
 */
import { join } from "node:path";
import type { MysqlPrograms } from "../../build/install_mysql.ts";
import { sql } from "../../interfaces/clients/mysql/quoting.ts";
import { readAll } from "../real/async_replication/general_logs.ts";
import { EAST, type Sites, WEST, withSites } from "../real/async_replication/sites.ts";
import { openUnit } from "../real/mysql/formation.ts";
import { LEFT_BEHIND, type UnderWay } from "./mysql_actions_charm.ts";
import { compilePrograms, programPath } from "./programs.ts";
import { quantile } from "./stats.ts";

/** Milliseconds of an action. */
interface Cost {
  readonly whole: number;
  /** Those in which at least one statement of it was under way: sent, and not answered yet. */
  readonly underWay: number;
  /** Those in which a server executed one. */
  readonly executed: number;
}

/** Of an entry of a slow log with its extra fields: who replicates, and what the server does for itself, is left out. */
const ENTRY = /^# User@Host: (?:root|clusteruser)\[.*\n# Query_time: .* Start: (\S+) End: (\S+)$/gm;
const TIME = /^(.*T\d\d:\d\d:\d\d)(\.\d+)Z$/;

/**
 * Runs the actions on two clusters of three units, each with a server of its own.
 *
 * @param rounds of each action
 * @returns lines of a table: what, and milliseconds as median and most
 */
export async function measureMysqlActions(programs: MysqlPrograms, rounds: number): Promise<string[][]> {
  const costs = new Map<string, Cost[]>();
  await compilePrograms(["mysql-actions"]);
  await withSites(programs, { eastUnits: 3, westUnits: 3 }, async (sites) => {
    sites.relate();
    await sites.untilReplicating();
    await sites.sampler.stop();
    using logs = await SlowLogs.open(sites);
    const program = join(sites.lab.directory, "charms", "mysql.executable");
    await Deno.copyFile(programPath("mysql-actions"), `${program}.new`);
    await Deno.rename(`${program}.new`, program);
    const set = { "cluster-set-name": sites.setName(EAST) };
    const run = async (app: string, action: string, what = action) => {
      await sites.lab.model.settle();
      costs.set(what, [...costs.get(what) ?? [], await costOf({ sites, logs, program }, app, action, set)]);
    };
    for (let round = 0; round < rounds; round++) {
      await run(EAST, "fence-writes");
      await run(EAST, "unfence-writes");
      await run(WEST, "promote-standby-cluster");
      await sites.untilReplicating(EAST);
      await run(EAST, "promote-standby-cluster", "promote-standby-cluster, back");
      await sites.untilReplicating(WEST);
    }
  });
  const head = ["milliseconds of an action: median, most", "whole", "beyond SQL under way", "beyond SQL executed"];
  return [head, ...[...costs].map(([what, each]) => [`MySQL charm: ${what}`, ...columnsOf(each)])];
}

function columnsOf(costs: readonly Cost[]): string[] {
  const column = (part: (cost: Cost) => number) => {
    const values = costs.map(part);
    return `${quantile(values, 0.5).toFixed(0)}, ${Math.max(...values).toFixed(0)}`;
  };
  return [
    column(({ whole }) => whole),
    column(({ whole, underWay }) => whole - underWay),
    column(({ whole, executed }) => whole - executed),
  ];
}

/** What actions run with. */
interface Place {
  readonly sites: Sites;
  readonly logs: SlowLogs;
  /** Path of the executable. */
  readonly program: string;
}

async function costOf(
  { sites, logs, program }: Place,
  app: string,
  action: string,
  params: Readonly<Record<string, unknown>>,
): Promise<Cost> {
  const { timeline } = sites.lab.model;
  const from = timeline.length;
  logs.read();
  await sites.run(app, action, params);
  const executed = lengthOf(logs.read());
  const leftBehind = `${program}${LEFT_BEHIND}`;
  const underWay = lengthOf(JSON.parse(await Deno.readTextFile(leftBehind)));
  await Deno.remove(leftBehind);
  const run = timeline.slice(from).find(({ name }) => name === action);
  if (!run) throw new Error(`the model has no run of ${action}`);
  return { whole: run.end - run.start, underWay, executed };
}

/** The servers' slow logs, in which each statement of a charm is slow, on connections that it makes from now on. */
class SlowLogs implements Disposable {
  private constructor(readonly files: readonly Deno.FsFile[]) {}

  static async open(sites: Sites): Promise<SlowLogs> {
    const { lab } = sites;
    return new SlowLogs(
      await Promise.all(
        sites.allUnits().map(async (unit) => {
          const path = join(lab.unitDirectory(unit), "slow.log");
          await Deno.writeTextFile(path, "");
          await Deno.chmod(path, 0o666);
          await using db = await openUnit(lab, unit);
          await db.run("place the log", sql`SET GLOBAL slow_query_log_file = ${path}`);
          await db.run(
            "write the log",
            sql`SET GLOBAL long_query_time = 0, GLOBAL log_slow_extra = ON, GLOBAL log_slow_admin_statements = ON,
            GLOBAL slow_query_log = ON`,
          );
          return await Deno.open(path);
        }),
      ),
    );
  }

  /** When statements were executed that have ended since the last look. */
  read(): UnderWay[] {
    const texts = this.files.map(readAll);
    return texts.flatMap((text) => [...text.matchAll(ENTRY)]).map(([, start = "", end = ""]) => {
      return { start: timeOf(start), end: timeOf(end) };
    });
  }

  [Symbol.dispose](): void {
    for (const file of this.files) file.close();
  }
}

/** Dates know milliseconds only. */
function timeOf(text: string): number {
  const [, seconds = "", fraction = ""] = TIME.exec(text) ?? [];
  return Date.parse(`${seconds}Z`) + Number(`0${fraction}`) * 1000;
}

/** Milliseconds in which there was at least one of the spans. */
function lengthOf(spans: readonly UnderWay[]): number {
  let [length, reached] = [0, -Infinity];
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    length += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return length;
}
