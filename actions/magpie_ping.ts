/**
 * Action `ping` of charms that check the network.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { checkIcmp } from "../interfaces/clients/net/icmp.ts";
import { checkMtu } from "../interfaces/clients/net/mtu.ts";
import { choosePeers, MAGPIE, orFail, tell } from "./magpie_own.ts";

/** Sends ICMP echo requests to peers, and do-not-fragment ones where a MTU is required. */
export const magpiePing = defineAction({
  name: "ping",
  side: MAGPIE,
  needs: ["run"],
  run: async (ctx) => {
    const { targets, unusable, loopback, nodes } = await choosePeers(ctx);
    const requiredMtu = ctx.params.number("required-mtu") ?? 0;
    const options = {
      loopback,
      tries: ctx.params.number("tries") ?? 20,
      timeoutMs: milliseconds(ctx.params.number("timeout") ?? 2),
      intervalMs: milliseconds(ctx.params.number("interval") ?? 0.05),
    };
    await ctx.progress(`pinging ${targets.length} of ${nodes.length} peers, ${options.tries} packets each`);
    const [icmp, mtu] = await orFail(() =>
      Promise.all([
        checkIcmp(targets, options),
        requiredMtu === 0 ? [] : checkMtu(targets, { loopback, requiredMtu }),
      ])
    );
    const about = icmp.map(({ target, measurements }): [string, string] => {
      return [target, `ok, ${measurements?.rttMs?.avg ?? "?"} ms`];
    });
    return tell(ctx, [...unusable, ...icmp, ...mtu], nodes.length, new Map(about));
  },
});

function milliseconds(seconds: number): number {
  return Math.round(1000 * seconds);
}
