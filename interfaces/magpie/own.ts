/**
 * This unit's own addresses.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { HookCommandError } from "../../hooks/errors.ts";
import { isIpAddress } from "../databag.ts";
import { localAddresses } from "../clients/net/addresses.ts";
import { parseCidr } from "./cidr.ts";
import type { Endpoint } from "../endpoints.ts";

/**
 * The addresses of the endpoint's binding, the one that peers are told first; none while Juju knows none.
 *
 * @param endpoint of the peers
 */
export async function ownAddresses(ctx: Context, endpoint: Endpoint): Promise<string[]> {
  try {
    const { ingressAddress = "", interfaces } = await ctx.network(endpoint.name);
    const bound = interfaces.flatMap(({ addresses }) => addresses.map(({ value }) => value));
    return [...new Set([ingressAddress, ...bound])].filter(isIpAddress);
  } catch (error) {
    // No network config found for binding.
    if (error instanceof HookCommandError) return [];
    throw error;
  }
}

/**
 * Where this unit's iperf server listens: at an address in the network, or at the one that the endpoint is bound to.
 *
 * @param cidr `""` for the binding's
 * @returns undefined when there is none
 * @throws {ForbiddenError} without the permission sys
 */
export async function serverAddress(ctx: Context, endpoint: Endpoint, cidr: string): Promise<string | undefined> {
  if (cidr !== "") {
    const network = parseCidr(cidr);
    return localAddresses().map(({ address }) => address).find((address) => network.contains(address));
  }
  const own = await ownAddresses(ctx, endpoint);
  // A server can be behind an address that the machine itself does not have.
  const local = new Set(localAddresses().map(({ address }) => address));
  return own.find((address) => local.has(address)) ?? own.at(-1);
}
