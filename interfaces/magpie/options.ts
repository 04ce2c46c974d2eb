/**
 * The charm's configuration: which checks run, and how. Names and defaults are those of the magpie charm; a charm that
 * leaves an option out of its config.yaml gets the default.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { ValueError } from "../../hooks/errors.ts";
import { parseCidr } from "./cidr.ts";

/** Longest time that an operator can make one try after the other take in a hook, in milliseconds. */
const MAX_WAIT_MS = 60_000;
const DIRECTORY = /^\/[A-Za-z0-9._/-]{1,200}$/;

const DEFAULTS = {
  check_icmp: true,
  ping_tries: 20,
  ping_timeout: 2,
  ping_interval: 0.05,
  ping_mesh_mode: true,
  required_mtu: 0,
  check_dns: true,
  dns_server: "",
  dns_tries: 1,
  dns_time: 5,
  check_local_hostname: true,
  check_bonds: "AUTO",
  lacp_passive_mode: false,
  check_iperf: true,
  iperf_duration: 1,
  iperf_listen_cidr: "",
  iperf_port: 5201,
  min_speed: "0",
  "data-directory": "/var/lib/charmlet",
} as const;

type Defaults = typeof DEFAULTS;
type Widened<T> = T extends string ? string : T extends number ? number : boolean;
type Values = { readonly [K in keyof Defaults]: Widened<Defaults[K]> };

/** What the checks of a hook do. Absent parts are switched off. */
export interface CheckOptions {
  readonly icmp?: { readonly tries: number; readonly intervalMs: number; readonly timeoutMs: number };
  readonly requiredMtu?: number;
  /** Only the leader sends ICMP. */
  readonly leaderPings: boolean;
  readonly dns?: { readonly server?: string; readonly tries: number; readonly timeoutMs: number };
  readonly hostname: boolean;
  /** Bonds to check. */
  readonly bonds?: readonly string[] | "AUTO";
  readonly lacpPassiveMode: boolean;
  readonly iperf?: IperfOptions;
  /** Where what is kept for the units of this machine is. */
  readonly dataDirectory: string;
}

/** How throughput is measured. */
export interface IperfOptions {
  readonly seconds: number;
  readonly port: number;
  /** Network in which servers listen and are called; `""` for the unit's own address. */
  readonly cidr: string;
  /** As the operator wrote it. */
  readonly minSpeed: string;
}

/**
 * Reads the configuration.
 *
 * @throws {ValueError} that names the option and says what it must be
 */
export async function readOptions(ctx: Context): Promise<CheckOptions> {
  const config = await ctx.config();
  const given = (name: string, fallback: unknown) =>
    Object.hasOwn(ctx.charm.config, name) ? config.get(name) ?? fallback : fallback;
  const values = Object.fromEntries(Object.entries(DEFAULTS).map(([name, fallback]) => [name, given(name, fallback)]));
  return optionsOf(checkTypes(values));
}

/**
 * What values of the options mean.
 *
 * @throws {ValueError}
 */
export function optionsOf(given: Partial<Values>): CheckOptions {
  const values: Values = { ...DEFAULTS, ...given };
  const mtu = whole(values, "required_mtu", 0, 65_535);
  const bonds = readBonds(values.check_bonds);
  return {
    ...(values.check_icmp ? { icmp: readPing(values) } : {}),
    ...(mtu > 0 ? { requiredMtu: mtu } : {}),
    leaderPings: !values.ping_mesh_mode,
    ...(values.check_dns ? { dns: readDns(values) } : {}),
    hostname: values.check_local_hostname,
    ...(bonds === undefined ? {} : { bonds }),
    lacpPassiveMode: values.lacp_passive_mode,
    ...(values.check_iperf ? { iperf: readIperf(values) } : {}),
    dataDirectory: readDirectory(values["data-directory"]),
  };
}

function readPing(values: Values) {
  const tries = whole(values, "ping_tries", 1, 1000);
  const { ping_interval: interval } = values;
  if (!(interval >= 0.002 && interval <= 60)) throw refuse("ping_interval", "is seconds from 0.002 to 60");
  const timeoutMs = 1000 * whole(values, "ping_timeout", 1, 60);
  const intervalMs = Math.round(1000 * interval);
  if ((tries - 1) * intervalMs + timeoutMs > MAX_WAIT_MS) {
    throw refuse("ping_tries", "times ping_interval, and ping_timeout, take longer than a minute: lower one of them");
  }
  return { tries, intervalMs, timeoutMs };
}

function readDns(values: Values) {
  const tries = whole(values, "dns_tries", 1, 100);
  const timeoutMs = 1000 * whole(values, "dns_time", 1, 60);
  if (tries * timeoutMs > MAX_WAIT_MS) throw refuse("dns_tries", "times dns_time is more than a minute: lower one");
  const server = values.dns_server.trim();
  return { tries, timeoutMs, ...(server === "" ? {} : { server }) };
}

function readIperf(values: Values): IperfOptions {
  const cidr = values.iperf_listen_cidr.trim();
  if (cidr !== "") parseNetwork(cidr);
  return {
    seconds: whole(values, "iperf_duration", 1, 60),
    port: whole(values, "iperf_port", 1, 65_535),
    cidr,
    minSpeed: values.min_speed,
  };
}

function parseNetwork(cidr: string): void {
  try {
    parseCidr(cidr);
  } catch (error) {
    throw error instanceof ValueError ? refuse("iperf_listen_cidr", `: ${error.message}`) : error;
  }
}

/** Names of bonds, as the option `check_bonds` and the action's parameter `bonds-to-check` give them. */
export function readBonds(text: string): readonly string[] | "AUTO" | undefined {
  if (text.trim() === "AUTO") return "AUTO";
  const names = text.split(",").map((name) => name.trim()).filter((name) => name !== "");
  return names.length === 0 ? undefined : names;
}

function readDirectory(text: string): string {
  const path = text.replace(/\/+$/, "");
  if (DIRECTORY.test(path) && !path.split("/").includes("..")) return path;
  throw refuse("data-directory", "is an absolute path of letters, digits and . _ / -");
}

function whole(values: Values, name: keyof Values, min: number, max: number): number {
  const value = values[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw refuse(name, `is a whole number from ${min} to ${max}`);
}

/** A charm may declare an option with another type than ours: `min_speed` was a number once. */
function checkTypes(values: Readonly<Record<string, unknown>>): Values {
  for (const [name, fallback] of Object.entries(DEFAULTS)) {
    if (name === "min_speed" && typeof values[name] === "number") continue;
    if (typeof values[name] !== typeof fallback) throw refuse(name, `is a ${typeof fallback} in config.yaml`);
  }
  return { ...values as Values, min_speed: String(values.min_speed) };
}

function refuse(name: string, what: string): ValueError {
  return new ValueError(`config option ${name}${what.startsWith(":") ? "" : " "}${what}`);
}
