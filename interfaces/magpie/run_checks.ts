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
import type { CheckResult } from "../clients/net/result.ts";
import type { Endpoint } from "../endpoints.ts";
import { type Memory, readMemory, remember } from "./memory.ts";
import type { CheckOptions } from "./options.ts";
import { ownAddresses } from "./own.ts";
import type { MagpiePeers, Node } from "./peers.ts";
import { ensureServer, removeServer, serverDirectory } from "./server.ts";
import { sortPeers } from "./targets.ts";
import { measurePeers } from "./throughput.ts";
import type { Findings } from "./verdict.ts";

/** No peer is begun after this time, in milliseconds. */
const TOTAL_MS = 8000;
const HOSTNAME_MS = 5000;
/** Finding the MTU of a path takes up to six times as long. */
const MTU_SECONDS = 1;

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
  const own = await ownAddresses(ctx, endpoint);
  const { targets, unusable, loopback } = sortPeers(nodes, own);
  const { icmp, requiredMtu, dns, hostname, bonds, iperf } = options;
  const leads = options.leaderPings || iperf !== undefined ? await ctx.isLeader() : false;
  const pings = (leads || !options.leaderPings) && targets.length > 0;
  const each = { loopback, totalMs: TOTAL_MS };
  const guarded = (check: string, run: () => Promise<Results>) => guard(check, ctx.unit, run);
  const [icmpResults, ...others] = await Promise.all([
    icmp && pings ? guarded("icmp", () => checkIcmp(targets, { ...each, ...icmp })) : [],
    requiredMtu !== undefined && pings
      ? guarded(`mtu ${requiredMtu}`, () => checkMtu(targets, { ...each, requiredMtu, timeoutSeconds: MTU_SECONDS }))
      : [],
    dns && targets.length > 0 ? guarded("dns", () => checkDns(targets, { ...each, ...dns })) : [],
    hostname ? guarded("hostname", async () => [await checkHostname(HOSTNAME_MS)]) : [],
    bonds === undefined ? [] : guarded("link", () => checkLinks(bonds, options)),
    guarded("iperf server", () => keepServer(ctx, endpoint, peers, options)),
  ]);
  const results = [...unusable, ...icmpResults, ...others.flat()];
  if (!iperf || !leads) return { results, pending: [], peers: nodes.length };
  const answering = targets.map(({ name }) => name)
    .filter((name) => icmpResults.every(({ target, ok }) => target !== name || ok));
  let pending: readonly string[] = [];
  const speeds = await guarded("speed", async () => {
    const measured = await measurePeers(ctx, peers, answering, own, iperf, readMemory(ctx));
    remember(ctx, measured.memory);
    pending = measured.pending;
    if (pending.length === 0) await peers.setIperfChecked();
    return measured.results;
  });
  return { results: [...results, ...speeds], pending, peers: nodes.length };
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

/** Lets this unit's iperf server run, or not, and tells the peers. Nothing is to be said about one that runs. */
async function keepServer(
  ctx: Context,
  endpoint: Endpoint,
  peers: MagpiePeers,
  { iperf, dataDirectory }: CheckOptions,
): Promise<Results> {
  const directory = iperf ? serverDirectory(ctx.unit, dataDirectory) : "";
  const { server }: Memory = readMemory(ctx);
  if (server !== "" && server !== directory) await stopServer(ctx, peers);
  if (!iperf) return [];
  remember(ctx, { server: directory });
  try {
    await ensureServer(ctx, endpoint, iperf, directory);
  } catch (error) {
    await peers.clearIperfServer();
    throw error;
  }
  if (iperf.cidr !== "") await peers.advertiseAddresses();
  await peers.setIperfServerReady();
  return [];
}

/** Ends this unit's iperf server, if it runs one. */
export async function stopServer(ctx: Context, peers: MagpiePeers): Promise<void> {
  const { server } = readMemory(ctx);
  if (server === "") return;
  await peers.clearIperfServer();
  await removeServer(ctx.unit, server);
  remember(ctx, { server: "" });
}
