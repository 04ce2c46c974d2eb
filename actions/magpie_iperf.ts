/**
 * Action `iperf` of charms that check the network.
 *
 * @module
 */
import type { ActionContext } from "../hooks/action_context.ts";
import { defineAction } from "../hooks/definition.ts";
import type { CheckResult, Target } from "../interfaces/clients/net/result.ts";
import { checkSpeed, type SpeedMeasurements } from "../interfaces/clients/net/speed.ts";
import { parseMinSpeed, parseProgression } from "../interfaces/clients/net/speed_rules.ts";
import { readOptions } from "../interfaces/magpie/options.ts";
import { magpiePeers } from "../interfaces/magpie/peers.ts";
import { TEXT } from "../interfaces/magpie/texts.ts";
import { ownLinkMbit } from "../interfaces/magpie/throughput.ts";
import { choosePeers, type ChosenPeers, endpointOfPeers, MAGPIE, orFail, tell } from "./magpie_own.ts";

/** Measures throughput to peers, one after the other, with more and more streams. */
export const magpieIperf = defineAction({
  name: "iperf",
  side: MAGPIE,
  needs: ["run", "sys"],
  run: async (ctx) => {
    const { iperf } = await readOptions(ctx);
    const cidr = iperf?.cidr ?? "";
    const chosen = await choosePeers(ctx, cidr);
    const ready = await magpiePeers(ctx, endpointOfPeers(ctx).name).checkReadyIperfServers(cidr);
    const isReady = ({ name }: Target) => ready.some(({ unit }) => unit === name);
    const withoutServer = chosen.targets.filter((target) => !isReady(target)).map(({ name, address }) => {
      return { check: "speed", target: name, address, ok: false, reason: TEXT.noServer, measurements: null };
    });
    const speeds = await orFail(() => measure(ctx, chosen, chosen.targets.filter(isReady), iperf?.port ?? 5201));
    const about = speeds.map(({ target, measurements }): [string, string] => {
      return [target, `ok, ${measurements?.slowestMbit} to ${measurements?.fastestMbit} Mbit/s`];
    });
    return tell(ctx, [...chosen.unusable, ...withoutServer, ...speeds], chosen.nodes.length, new Map(about));
  },
});

async function measure(
  ctx: ActionContext,
  { own, loopback }: ChosenPeers,
  targets: readonly Target[],
  port: number,
): Promise<CheckResult<SpeedMeasurements>[]> {
  const minSpeed = parseMinSpeed(ctx.params.string("min-speed") ?? "0");
  const batchSeconds = ctx.params.number("batch-time") ?? 10;
  const totalSeconds = ctx.params.number("total-run-time") ?? 600;
  const options = {
    loopback,
    port,
    batchSeconds,
    totalSeconds,
    progression: parseProgression(ctx.params.string("concurrency-progression") ?? "2 4 8"),
    linkMbit: minSpeed !== undefined && "percent" in minSpeed ? await ownLinkMbit(own) : null,
    onBatch: (target: string, { streams, mbit }: { readonly streams: number; readonly mbit: number }) =>
      ctx.progress(`${target}: ${mbit} Mbit/s with ${streams} stream${streams === 1 ? "" : "s"}`),
    ...(minSpeed === undefined ? {} : { minSpeed }),
  };
  await ctx.progress(`measuring ${targets.length} peers, ${totalSeconds} s each, ${batchSeconds} s a batch`);
  return await checkSpeed(targets, options);
}
