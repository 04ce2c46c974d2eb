/**
 * The charm's options, each with its default where a charm does not declare it.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import type { Context } from "../../hooks/context.ts";
import { ValueError } from "../../hooks/errors.ts";

/** An option has a value that cannot be used. */
export class OptionError extends ValueError {
  constructor(name: string, why: string) {
    super(`option ${name} ${why}: juju config APPLICATION ${name}=…`);
  }
}

/** What an operator decides. */
export interface Options {
  readonly dataDirectory: string;
  readonly port: number;
  readonly patroniPort: number;
  readonly raftPort: number;
  /** How many replicas have each write before it is acknowledged. */
  readonly synchronous: "all" | "majority" | number;
  readonly strict: boolean;
  readonly tls: boolean;
  /** Where Patroni keeps what the members agree on, on machines. */
  readonly dcs: "etcd" | "raft";
  /** Seconds. */
  readonly ttl: number;
  readonly loopWait: number;
  readonly retryTimeout: number;
  readonly failsafe: boolean;
  readonly sharedBuffers: string;
  /** Networks from which clients may connect. */
  readonly clientNetworks: readonly string[];
}

const MAX_SECONDS = 3600;

/**
 * Reads the options.
 *
 * @throws {OptionError} that names the first one that cannot be used
 */
export async function readOptions(ctx: Context): Promise<Options> {
  const config = await ctx.config();
  const get = <T>(name: string, read: (name: string) => T | undefined, fallback: T): T =>
    ctx.charm.config[name] === undefined ? fallback : read(name) ?? fallback;
  const text = (name: string, fallback: string) => get(name, (key) => config.string(key), fallback).trim();
  const flag = (name: string, fallback: boolean) => get(name, (key) => config.boolean(key), fallback);
  const whole = (name: string, fallback: number, most: number) => {
    const value = get(name, (key) => config.number(key), fallback);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new OptionError(name, `is not between 1 and ${most}`);
  };
  const dataDirectory = text("data-directory", "/var/lib/charmlet");
  const leadsUp = dataDirectory.split("/").includes("..");
  if (!isAbsolute(dataDirectory) || leadsUp || !/^[A-Za-z0-9._/-]{1,60}$/.test(dataDirectory)) {
    throw new OptionError("data-directory", "is no absolute path of at most 60 letters, digits and . _ / - without ..");
  }
  const sharedBuffers = text("shared-buffers", "128MB");
  if (!/^[1-9]\d{0,6}(kB|MB|GB)$/.test(sharedBuffers)) throw new OptionError("shared-buffers", "is no size like 128MB");
  return {
    dataDirectory,
    port: whole("port", 5432, 65535),
    patroniPort: whole("patroni-port", 8008, 65535),
    raftPort: whole("raft-port", 2222, 65535),
    synchronous: readSynchronous(text("synchronous-node-count", "all")),
    strict: flag("synchronous-mode-strict", false),
    tls: flag("tls", false),
    dcs: oneOf("dcs", text("dcs", "etcd"), ["etcd", "raft"]),
    ...readTimes(
      whole("ttl", 30, MAX_SECONDS),
      whole("loop-wait", 10, MAX_SECONDS),
      whole("retry-timeout", 10, MAX_SECONDS),
    ),
    failsafe: flag("failsafe", false),
    sharedBuffers,
    clientNetworks: readNetworks(text("client-networks", "0.0.0.0/0,::/0")),
  };
}

function readSynchronous(value: string): Options["synchronous"] {
  if (value === "all" || value === "majority") return value;
  if (/^\d{1,3}$/.test(value)) return Number(value);
  throw new OptionError("synchronous-node-count", "is neither all, majority nor a number");
}

function readTimes(ttl: number, loopWait: number, retryTimeout: number) {
  if (ttl >= 20 && retryTimeout >= 3 && ttl >= loopWait + 2 * retryTimeout) return { ttl, loopWait, retryTimeout };
  throw new OptionError(
    "ttl",
    "is less than 20 or than loop-wait + 2 * retry-timeout, or retry-timeout is less than 3",
  );
}

function oneOf<T extends string>(name: string, value: string, values: readonly T[]): T {
  const found = values.find((each) => each === value);
  if (found !== undefined) return found;
  throw new OptionError(name, `is not one of ${values.join(", ")}`);
}

function readNetworks(value: string): readonly string[] {
  const networks = value.split(",").map((each) => each.trim()).filter((each) => each !== "");
  if (networks.length <= 50 && networks.every((each) => /^[0-9A-Fa-f:.]{2,45}\/\d{1,3}$/.test(each))) return networks;
  throw new OptionError("client-networks", "is no list of networks like 10.0.0.0/8");
}
