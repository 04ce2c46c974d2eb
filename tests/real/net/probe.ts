/**
 * Runs checks where it is started and prints their results: `probe.ts '[{"icmp": [targets, options]}, ...]'`. Checks
 * of one object run in parallel, as in a hook.
 *
 * @module
 */
import { localAddresses } from "../../../interfaces/clients/net/addresses.ts";
import { checkDns, type DnsOptions } from "../../../interfaces/clients/net/dns.ts";
import { checkIcmp, type IcmpOptions } from "../../../interfaces/clients/net/icmp.ts";
import { type IperfServerOptions, startIperfServer } from "../../../interfaces/clients/net/iperf_server.ts";
import { checkLinks, type LinkRules } from "../../../interfaces/clients/net/link_rules.ts";
import { checkMtu, type MtuOptions } from "../../../interfaces/clients/net/mtu.ts";
import type { Target } from "../../../interfaces/clients/net/result.ts";
import { checkSpeed, type SpeedOptions } from "../../../interfaces/clients/net/speed.ts";

type Targets = readonly Target[];

/** Checks that run in parallel, with their arguments. */
export interface Probes {
  readonly icmp?: readonly [Targets, IcmpOptions?];
  readonly mtu?: readonly [Targets, MtuOptions];
  readonly dns?: readonly [Targets, DnsOptions?];
  readonly speed?: readonly [Targets, SpeedOptions];
  readonly link?: readonly [readonly string[] | "AUTO", LinkRules?];
  readonly addresses?: true;
  /** Starts a server; when it is not detached, waits for its end. */
  readonly server?: IperfServerOptions;
}

/** Results by check, and the time for all of them together. */
export type Probed = { readonly [check: string]: unknown } & { readonly ms: number };

async function probe(probes: Probes): Promise<Probed> {
  const start = performance.now();
  const results: Record<string, unknown> = {};
  const checks: Readonly<Record<string, (() => unknown) | undefined>> = {
    icmp: probes.icmp && (() => checkIcmp(...probes.icmp!)),
    mtu: probes.mtu && (() => checkMtu(...probes.mtu!)),
    dns: probes.dns && (() => checkDns(...probes.dns!)),
    speed: probes.speed && (() => checkSpeed(...probes.speed!)),
    link: probes.link && (() => checkLinks(...probes.link!)),
    addresses: probes.addresses && localAddresses,
    server: probes.server && (() => serve(probes.server!)),
  };
  await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      if (check === undefined) return;
      try {
        results[name] = await check();
      } catch (error) {
        results[name] = error instanceof Error ? { error: error.name, message: error.message } : String(error);
      }
    }),
  );
  return { ...results, ms: Math.round(performance.now() - start) };
}

async function serve(options: IperfServerOptions): Promise<unknown> {
  const server = await startIperfServer(options);
  if (!options.detached) await server.ended;
  return { address: server.address, port: server.port, pid: server.pid };
}

if (import.meta.main) {
  const results: Probed[] = [];
  for (const probes of JSON.parse(Deno.args[0] ?? "[]") as Probes[]) results.push(await probe(probes));
  console.log(JSON.stringify(results));
}
