/**
 * One run of the checks that the configuration switches on. Loaded by hooks that check only.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { ClientError } from "../clients/errors.ts";
import { checkDns } from "../clients/net/dns.ts";
import { checkHostname } from "../clients/net/hostname.ts";
import { checkIcmp } from "../clients/net/icmp.ts";
import { checkLinks } from "../clients/net/link_rules.ts";
import { checkMtu } from "../clients/net/mtu.ts";
import type { CheckResult, Target } from "../clients/net/result.ts";
import type { Endpoint } from "../endpoints.ts";
import { type Memory, readMemory, remember } from "./memory.ts";
import type { CheckOptions } from "./options.ts";
import { ownAddresses } from "./own.ts";
import type { MagpiePeers, Node } from "./peers.ts";
import { ensureServer, removeServer, serverDirectory } from "./server.ts";
import { sortPeers } from "./targets.ts";
import { measurePeers } from "./throughput.ts";
import type { Findings } from "./verdict.ts";

/** Time for all checks of a hook together, in milliseconds; what has to wait longer is left to a later hook. */
const TOTAL_MS = 8000;
/** Peers are begun for as long at least, however long the operator lets one take. In milliseconds. */
const MIN_BEGIN_MS = 1000;
const HOSTNAME_MS = 5000;
const MTU_SECONDS = 1;
/** Finding the MTU of a path takes up to six times as long. */
const MTU_MS = 6 * MTU_SECONDS * 1000;

/** How the reason begins of a peer that was not begun. */
const LEFT = "not checked: ";

type Results = readonly CheckResult<unknown>[];

/**
 * Runs the checks, all at once but for throughput, which comes last and alone.
 *
 * @param nodes the peers; at least one
 */
export async function runChecks(
  ctx: Context,
  endpoint: Endpoint,
  peers: MagpiePeers,
  nodes: readonly Node[],
  options: CheckOptions,
): Promise<Omit<Findings, "notes">> {
  const deadline = performance.now() + TOTAL_MS;
  const own = await ownAddresses(ctx, endpoint);
  const { targets: usable, unusable, loopback } = sortPeers(nodes, own);
  const targets = longestUnchecked(usable, readMemory(ctx).unchecked);
  const { icmp, requiredMtu, dns, hostname, bonds, iperf } = options;
  const leads = options.leaderPings || iperf !== undefined ? await ctx.isLeader() : false;
  const pings = (leads || !options.leaderPings) && targets.length > 0;
  const within = (oneMs: number) => ({ loopback, totalMs: beginMs(deadline - performance.now(), oneMs) });
  const guarded = (check: string, run: () => Promise<Results>) => guard(check, ctx.unit, run);
  let listens = true;
  const [icmpResults, ...others] = await Promise.all([
    icmp && pings ? guarded("icmp", () => checkIcmp(targets, { ...within(pingMs(icmp)), ...icmp })) : [],
    requiredMtu !== undefined && pings
      ? guarded(
        `mtu ${requiredMtu}`,
        () => checkMtu(targets, { ...within(MTU_MS), requiredMtu, timeoutSeconds: MTU_SECONDS }),
      )
      : [],
    // Names are asked for the addresses, then for the names.
    dns && targets.length > 0
      ? guarded("dns", () => checkDns(targets, { ...within(2 * dns.tries * dns.timeoutMs), ...dns }))
      : [],
    hostname ? guarded("hostname", async () => [await checkHostname(HOSTNAME_MS)]) : [],
    bonds === undefined ? [] : guarded("link", () => checkLinks(bonds, options)),
    guarded("iperf server", async () => {
      listens = await keepServer(ctx, endpoint, peers, options);
      return [];
    }),
  ]);
  const { results, unchecked } = setAside([...unusable, ...icmpResults, ...others.flat()]);
  if (unchecked.length + readMemory(ctx).unchecked.length > 0) remember(ctx, { unchecked });
  let pending: readonly string[] = listens ? [] : [ctx.unit];
  if (!iperf || !leads) return { results, pending, unchecked, peers: nodes.length };
  const answering = targets.map(({ name }) => name)
    .filter((name) => icmpResults.every(({ target, ok }) => target !== name || ok));
  const speeds = await guarded("speed", async () => {
    const measured = await measurePeers(ctx, peers, answering, own, iperf, readMemory(ctx), deadline);
    remember(ctx, measured.memory);
    if (measured.pending.length + unchecked.length === 0) await peers.setIperfChecked();
    pending = [...pending, ...measured.pending];
    return measured.results;
  });
  return { results: [...results, ...speeds], pending, unchecked, peers: nodes.length };
}

/**
 * How long peers may be begun, in milliseconds.
 *
 * @param leftMs until the hook has to end
 * @param oneMs how long the last one that is begun may take
 */
export function beginMs(leftMs: number, oneMs: number): number {
  return Math.max(MIN_BEGIN_MS, Math.round(leftMs - oneMs));
}

function pingMs({ tries, intervalMs, timeoutMs }: NonNullable<CheckOptions["icmp"]>): number {
  return (tries - 1) * intervalMs + timeoutMs;
}

/** Peers that the last hook had no time for come first. */
export function longestUnchecked(targets: readonly Target[], unchecked: readonly string[]): Target[] {
  const isFirst = ({ name }: Target) => unchecked.includes(name) ? 0 : 1;
  return [...targets].sort((a, b) => isFirst(a) - isFirst(b));
}

/** Parts what is known from the peers that a check had no time for: these are neither well nor failed. */
export function setAside(all: Results): { results: Results; unchecked: string[] } {
  const isLeft = ({ ok, reason }: CheckResult<unknown>) => !ok && reason?.startsWith(LEFT) === true;
  return {
    results: all.filter((result) => !isLeft(result)),
    unchecked: [...new Set(all.filter(isLeft).map(({ target }) => target))],
  };
}

/** What keeps a whole check from running is this unit's failure. */
async function guard(check: string, unit: string, run: () => Promise<Results>): Promise<Results> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return [{ check, target: unit, ok: false, reason: error.message, measurements: null }];
  }
}

/** Lets this unit's iperf server run, or not, and tells the peers; false while one that should does not listen. */
async function keepServer(
  ctx: Context,
  endpoint: Endpoint,
  peers: MagpiePeers,
  { iperf, dataDirectory }: CheckOptions,
): Promise<boolean> {
  const directory = iperf ? serverDirectory(ctx.unit, dataDirectory) : "";
  const { server }: Memory = readMemory(ctx);
  if (server !== "" && server !== directory) await stopServer(ctx, peers);
  if (!iperf) return true;
  remember(ctx, { server: directory });
  let listens = false;
  try {
    listens = await ensureServer(ctx, endpoint, iperf, directory);
  } finally {
    if (!listens) await peers.clearIperfServer();
  }
  if (!listens) return false;
  if (iperf.cidr !== "") await peers.advertiseAddresses();
  await peers.setIperfServerReady();
  return true;
}

/** Ends this unit's iperf server, if it runs one. */
export async function stopServer(ctx: Context, peers: MagpiePeers): Promise<void> {
  const { server } = readMemory(ctx);
  if (server === "") return;
  await peers.clearIperfServer();
  await removeServer(ctx.unit, server);
  remember(ctx, { server: "" });
}
