/**
 * Action `dns` of charms that check the network.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { checkDns } from "../interfaces/clients/net/dns.ts";
import { choosePeers, MAGPIE, orFail, tell } from "./magpie_own.ts";

/** Looks up the names of the peers' addresses, and the addresses and aliases of these names. */
export const magpieDns = defineAction({
  name: "dns",
  side: MAGPIE,
  needs: ["net"],
  run: async (ctx) => {
    const { targets, unusable, loopback, nodes } = await choosePeers(ctx);
    const server = (ctx.params.string("server") ?? "").trim();
    const options = {
      loopback,
      tries: ctx.params.number("tries") ?? 1,
      timeoutMs: Math.round(1000 * (ctx.params.number("timeout") ?? 5)),
      ...(server === "" ? {} : { server }),
    };
    await ctx.progress(`asking ${server === "" ? "this machine's DNS servers" : server} about ${targets.length} peers`);
    const dns = await orFail(() => checkDns(targets, options));
    const about = dns.map(({ target, measurements }): [string, string] => {
      return [target, (measurements?.names ?? []).map(({ name }) => name).join(", ")];
    });
    return tell(ctx, [...unusable, ...dns], nodes.length, new Map(about));
  },
});
