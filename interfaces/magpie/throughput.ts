/**
 * Throughput from the leader to its peers, each measured once, a few in each hook.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { interfaceOf } from "../clients/net/addresses.ts";
import { readLinks } from "../clients/net/link.ts";
import type { CheckResult, Target } from "../clients/net/result.ts";
import { checkSpeed } from "../clients/net/speed.ts";
import { parseMinSpeed } from "../clients/net/speed_rules.ts";
import type { Memory } from "./memory.ts";
import type { IperfOptions } from "./options.ts";
import type { MagpiePeers } from "./peers.ts";
import { sortPeers } from "./targets.ts";

const CONNECT_MS = 1000;
/** Of the time for a measurement, what is left for it at the end of the hook, in milliseconds: long ones go on. */
const MAX_RESERVE_MS = 4000;
/** How long to wait for a server that serves another leader, in seconds. */
const BUSY_SECONDS = 2;

/** What was measured now or before. */
export interface Throughput {
  readonly results: readonly CheckResult<unknown>[];
  /** Peers that are not measured yet. */
  readonly pending: readonly string[];
  readonly memory: Pick<Memory, "settings" | "measured" | "failed">;
}

/**
 * Measures peers whose throughput is not known to be good.
 *
 * @param units those whose address can be used and that answer
 * @param deadline when the hook has to end, as `performance.now()` has it: what has no time left is pending
 * @throws {InputError} for a minimum speed that cannot be read, or in percent of an unknown link speed
 */
export async function measurePeers(
  ctx: Context,
  peers: MagpiePeers,
  units: readonly string[],
  own: readonly string[],
  options: IperfOptions,
  memory: Memory,
  deadline: number,
): Promise<Throughput> {
  const ready = (await peers.checkReadyIperfServers(options.cidr)).filter(({ unit }) => units.includes(unit));
  const { targets, unusable, loopback } = sortPeers(ready, own);
  const settings = JSON.stringify(options);
  const known = memory.settings === settings ? memory.measured : {};
  const measured: Record<string, string> = {};
  for (const { name, address } of targets) if (known[name] === address) measured[name] = address;
  const results: CheckResult<unknown>[] = [...unusable];
  const pending = units.filter((unit) => !ready.some((node) => node.unit === unit));
  const minimum = parseMinSpeed(options.minSpeed);
  const linkMbit = minimum !== undefined && "percent" in minimum ? await ownLinkMbit(own) : null;
  const failed = memory.failed.filter((unit) => units.includes(unit));
  const todo = inTurn(targets.filter(({ name }) => measured[name] === undefined), failed);
  const end = deadline - Math.min(options.seconds * 1000 + CONNECT_MS, MAX_RESERVE_MS);
  for (const target of todo) {
    const { name, address } = target;
    if (performance.now() >= end) {
      pending.push(name);
      continue;
    }
    const [result] = await checkSpeed([target], {
      port: options.port,
      batchSeconds: options.seconds,
      progression: [1],
      linkMbit,
      loopback,
      connectTimeoutMs: CONNECT_MS,
      busySeconds: BUSY_SECONDS,
      ...(minimum === undefined ? {} : { minSpeed: minimum }),
    });
    if (result === undefined) continue;
    if (failed.includes(name)) failed.splice(failed.indexOf(name), 1);
    if (result.ok) {
      measured[name] = address;
      ctx.log.info(`speed: ${name} (${address}): ${result.measurements?.slowestMbit} Mbit/s`);
    } else {
      failed.push(name);
      results.push(result);
    }
  }
  for (const target of Object.keys(measured)) results.push({ check: "speed", target, ok: true, measurements: null });
  return { results, pending, memory: { settings, measured, failed } };
}

/** Peers that were never measured first, then those that failed, the one that waited longest before the others. */
export function inTurn(targets: readonly Target[], failed: readonly string[]): Target[] {
  return [...targets].sort((a, b) => failed.indexOf(a.name) - failed.indexOf(b.name));
}

/** Speed of the link that has this unit's first address. */
export async function ownLinkMbit(own: readonly string[]): Promise<number | null> {
  const name = own[0] === undefined ? undefined : interfaceOf(own[0]);
  if (name === undefined) return null;
  return (await readLinks([name]))[0]?.speedMbit ?? null;
}
