/**
 * Units of the example charm `mysql` on one address, and what tests ask their servers.
 *
 * @module
 */
import { assertMatch, fail } from "@std/assert";
import { dirname, join } from "node:path";
import type { MysqlPrograms } from "../../../build/install_mysql.ts";
import { ClientError } from "../../../interfaces/clients/errors.ts";
import { connectMysql, type Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { type Member, readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { readMetadata } from "../../../interfaces/clients/mysql/metadata.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import type { Lab } from "../units.ts";
import { HOST } from "./lab.ts";
import { freePorts } from "./ports.ts";

const TIMEOUT_MS = 20_000;
/** Room for the ports of all units. */
const PORT_STEP = 20;

/** Deploys units that share one address and have a port each. */
export async function deployMysql(lab: Lab, mysql: MysqlPrograms, units: number): Promise<void> {
  await lab.deploy({
    charm: "mysql",
    units,
    address: () => HOST,
    config: {
      "mysql-directory": dirname(mysql.mysqld),
      port: freePorts(1, PORT_STEP)[0] ?? 0,
      "port-per-unit": true,
      "buffer-pool-size": 32,
    },
  });
}

/** Milliseconds: a member that died is expelled after 20 s, and one that comes back earlier waits for that. */
export const PATIENCE_MS = 240_000;

const TOLERANCE: Readonly<Record<number, string>> = {
  1: "cannot tolerate any failures",
  2: "cannot tolerate any failures",
  3: "can tolerate up to ONE failure",
  4: "can tolerate up to ONE failure",
  5: "can tolerate up to 2 failures",
};

/** Whether so many units are there and all say that the cluster is well. */
export function isWhole(lab: Lab, size: number): boolean {
  const statuses = lab.unitsOf("mysql").map((unit) => lab.statusOf(unit));
  const text = new RegExp(`^active: Unit is ready: Mode: R/[OW], Cluster is ONLINE and ${TOLERANCE[size]}\\.$`);
  for (const status of statuses) assertMatch(status, text);
  return statuses.length === size;
}

/** Connects to a unit's server as root, by its socket. @param timeoutMs for connecting and for each statement */
export function openUnit(lab: Lab, unit: string, timeoutMs: number = TIMEOUT_MS): Promise<Mysql> {
  const socketPath = join(lab.unitDirectory(unit), "run/mysqld.sock");
  return connectMysql({ at: { socketPath }, user: "root", timeoutMs });
}

/** The group as a unit's server sees it, by port. */
export async function statesOf(lab: Lab, unit: string): Promise<readonly Member[]> {
  await using db = await openUnit(lab, unit);
  return [...(await readGroup(db)).members].sort((a, b) => a.port - b.port);
}

/** The first of the units whose server takes writes. */
export async function primaryUnit(lab: Lab, units: readonly string[]): Promise<string | undefined> {
  for (const unit of units) if (await isWritable(lab, unit)) return unit;
  return undefined;
}

/** The units that Router knows of, sorted. */
export async function membersOf(lab: Lab, unit: string): Promise<readonly string[]> {
  await using db = await openUnit(lab, unit);
  const { instances } = await readMetadata(db) ?? fail("there is no metadata");
  return [...instances.values()].flat().map(({ label }) => label).sort();
}

/** Makes the table of the tests. */
export async function makeTable(lab: Lab, unit: string): Promise<void> {
  await using db = await openUnit(lab, unit);
  await db.run("make a database", sql`CREATE DATABASE test`);
  await db.run("make a table", sql`CREATE TABLE test.numbers (number INT PRIMARY KEY)`);
}

/** Writes a row on a unit that is the primary. */
export async function writeRow(lab: Lab, unit: string, number: number): Promise<void> {
  await using db = await openUnit(lab, unit);
  await db.run("write a row", sql`INSERT INTO test.numbers VALUES (${number})`);
}

/** The rows that a unit's server has, such as `1,2`. */
export async function rowsOf(lab: Lab, unit: string): Promise<string> {
  await using db = await openUnit(lab, unit);
  const rows = await db.query("read the rows", sql`SELECT number FROM test.numbers ORDER BY number`);
  return rows.map((row) => row.number).join(",");
}

/** The process of a unit's server, if it runs. */
export async function serverPid(lab: Lab, unit: string): Promise<number | undefined> {
  const text = await Deno.readTextFile(join(lab.unitDirectory(unit), "run/mysqld.pid")).catch(() => "");
  // The file of a server that was killed stays.
  return lab.processes(unit).find(({ pid }) => pid === Number(text))?.pid;
}

/** Kills a unit's server as a power failure would. */
export async function killServer(lab: Lab, unit: string): Promise<void> {
  const pid = await serverPid(lab, unit) ?? fail(`${unit} runs no server`);
  Deno.kill(pid, "SIGKILL");
  await lab.waitFor(`the end of ${unit}'s server`, () => !lab.processes(unit).some((found) => found.pid === pid));
}

/** Connections that a unit's server has had, this one included. */
export async function connectionsOf(lab: Lab, unit: string): Promise<number> {
  await using db = await openUnit(lab, unit);
  const [row] = await db.query("read the connection's number", sql`SELECT CONNECTION_ID() AS id`);
  return Number(row?.id);
}

async function isWritable(lab: Lab, unit: string): Promise<boolean> {
  try {
    await using db = await openUnit(lab, unit);
    return (await readGroup(db)).writable;
  } catch (error) {
    if (error instanceof ClientError) return false;
    throw error;
  }
}
