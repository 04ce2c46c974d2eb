/**
 * Action `info` of charms that check the network.
 *
 * @module
 */
import type { ActionContext } from "../hooks/action_context.ts";
import { type ActionResults, defineAction } from "../hooks/definition.ts";
import { interfaceOf, localAddresses } from "../interfaces/clients/net/addresses.ts";
import { ownName } from "../interfaces/clients/net/hostname.ts";
import { listLinks, readLinks } from "../interfaces/clients/net/link.ts";
import { checkLinks } from "../interfaces/clients/net/link_rules.ts";
import { summarise } from "../interfaces/clients/net/summary.ts";
import { isInterfaceName } from "../interfaces/clients/net/validate.ts";
import { readBonds } from "../interfaces/magpie/options.ts";
import { ownAddresses } from "../interfaces/magpie/own.ts";
import { magpiePeers } from "../interfaces/magpie/peers.ts";
import { endpointOfPeers, MAGPIE, orFail } from "./magpie_own.ts";

/** Most links whose facts are told. */
const MAX_LINKS = 256;

/** Tells what this unit knows of its own links, addresses and bonds, and of its peers. */
export const magpieInfo = defineAction({
  name: "info",
  side: MAGPIE,
  needs: ["run", "sys"],
  run: (ctx) => orFail(() => collect(ctx)),
});

async function collect(ctx: ActionContext): Promise<ActionResults> {
  const endpoint = endpointOfPeers(ctx);
  const requiredMtu = ctx.params.number("required-mtu") ?? 0;
  const lacpPassiveMode = ctx.params.boolean("lacp-passive-mode") ?? false;
  const wanted = readBonds(ctx.params.string("bonds-to-check") ?? "AUTO");
  const [own, peers, { links, bonds }] = await Promise.all([
    ownAddresses(ctx, endpoint),
    magpiePeers(ctx, endpoint.name).getNodes(),
    listLinks(),
  ]);
  const [address] = own;
  const name = address === undefined ? undefined : interfaceOf(address);
  const [facts, checkedBonds, checkedLink] = await Promise.all([
    readLinks(links.filter(isInterfaceName).slice(0, MAX_LINKS)),
    wanted === undefined ? [] : checkLinks(wanted, { lacpPassiveMode }),
    name === undefined || requiredMtu === 0 ? [] : checkLinks([name], { requiredMtu, lacpPassiveMode }),
  ]);
  const checks = [...checkedLink, ...checkedBonds];
  const { ok, line } = summarise(checks, peers.length);
  if (!ok) ctx.fail(line);
  const link = facts.find((each) => each.name === name);
  return {
    summary: line,
    hostname: ownName(),
    address: address ?? "",
    interface: name ?? "",
    mtu: link?.mtu ?? "",
    "speed-mbit": link?.speedMbit ?? "",
    bonds: bonds.join(" "),
    peers: peers.length,
    output: JSON.stringify({
      unit: ctx.unit,
      hostname: ownName(),
      addresses: localAddresses(),
      links: facts,
      checks: checks.map(({ measurements: _same, ...check }) => check),
      peers: peers.map(({ unit, address = null, problem = null }) => ({ unit, address, problem })),
    }),
  };
}
