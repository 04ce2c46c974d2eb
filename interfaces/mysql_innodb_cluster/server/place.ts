/**
 * Where a unit's server is and with what options it runs: directories, address, port.
 *
 * @module
 */
import type { Config } from "../../../hooks/config.ts";
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { directoryOption } from "../../data_directory.ts";
import { isHost } from "../../databag.ts";
import { mysqlInnodbCluster } from "../peers.ts";
import { CLUSTER_NAME } from "./record.ts";
import { TEXT } from "./texts.ts";

/** What follows from the unit's name and the directory that was chosen at first. */
export interface Paths {
  /** Of the service, such as `mysql-0`. */
  readonly service: string;
  /** What the option said at first. */
  readonly base: string;
  /** Everything of the unit; belongs to root. */
  readonly directory: string;
  /** MySQL's own. */
  readonly data: string;
  readonly run: string;
  readonly log: string;
  readonly tls: string;
  readonly myCnf: string;
  readonly socket: string;
}

/** Where the server is and how it is to run. */
export interface Place extends Paths, Address {
  readonly bufferPoolMiB: number;
  readonly maxConnections: number;
}

const MAX_SOCKET = 107;
const MAX_PORT = 65_535;
/** A cluster has at least this many members. */
export const MINIMUM_SIZE = 3;
const MAXIMUM_SIZE = 9;

/** Directory of MySQL's programs; undefined: where packages have them. */
export async function programDirectory(ctx: Context): Promise<string | undefined> {
  const config = await ctx.config();
  return (config.string("mysql-directory") ?? "") === "" ? undefined : directoryOption(config, "mysql-directory", "");
}

/** The paths of a unit. @throws {ValueError} when the socket's is too long */
export function pathsOf(unit: string, base: string): Paths {
  const service = unit.replace("/", "-");
  const directory = `${base}/${service}`;
  const [data, run, log, tls] = ["data", "run", "log", "tls"].map((name) => `${directory}/${name}`) as [
    string,
    string,
    string,
    string,
  ];
  const socket = `${run}/mysqld.sock`;
  if (socket.length > MAX_SOCKET) throw new ValueError(TEXT.longDirectory);
  return { base, service, directory, data, run, log, tls, socket, myCnf: `${directory}/my.cnf` };
}

/**
 * Where the unit's server is to be.
 *
 * @returns undefined while Juju knows no address
 * @throws {ValueError} for an option that cannot be used
 */
export async function findPlace(ctx: Context, chosen: string): Promise<Place | undefined> {
  const config = await ctx.config();
  const perUnit = config.boolean("port-per-unit") ?? false;
  const port = numberOption(config, "port", 3306, 1, MAX_PORT) + (perUnit ? unitNumber(ctx.unit) : 0);
  if (port > MAX_PORT) throw new ValueError(TEXT.badOption("port", 1, MAX_PORT - unitNumber(ctx.unit)));
  const bufferPoolMiB = numberOption(config, "buffer-pool-size", 128, 16, 1024 * 1024);
  const maxConnections = numberOption(config, "max-connections", 600, 10, 100_000);
  const host = await mysqlInnodbCluster(ctx).ingressAddress();
  if (!isHost(host)) return undefined;
  return { ...pathsOf(ctx.unit, chosen), host, port, bufferPoolMiB, maxConnections };
}

/** How many units have to be ready before the cluster is made. */
export async function expectedUnits(ctx: Context): Promise<number> {
  return numberOption(await ctx.config(), "expected-units", MINIMUM_SIZE, MINIMUM_SIZE, MAXIMUM_SIZE);
}

/** The cluster's name for Router, as the option has it. */
export async function clusterName(ctx: Context): Promise<string> {
  const name = (await ctx.config()).string("cluster-name") ?? "";
  if (!CLUSTER_NAME.test(name)) throw new ValueError(TEXT.badName);
  return name;
}

/** 3 of `mysql/3`. */
export function unitNumber(unit: string): number {
  return Number(unit.slice(unit.lastIndexOf("/") + 1));
}

function numberOption(config: Config, option: string, fallback: number, least: number, most: number): number {
  const value = config.number(option) ?? fallback;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ValueError(TEXT.badOption(option, least, most));
}
