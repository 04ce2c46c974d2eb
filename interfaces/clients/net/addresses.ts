/**
 * The machine's own interfaces and addresses.
 *
 * @module
 */
import { ForbiddenError } from "./errors.ts";
import { type Family, sameAddress } from "./validate.ts";

/** An address of one of the machine's interfaces. */
export interface LocalAddress {
  readonly interface: string;
  readonly address: string;
  readonly family: Family;
  /** Such as `10.0.0.1/24`. */
  readonly cidr: string;
  readonly mac: string;
}

/**
 * All addresses of the machine.
 *
 * @throws {ForbiddenError} without the permission sys
 */
export function localAddresses(): LocalAddress[] {
  let interfaces: Deno.NetworkInterfaceInfo[];
  try {
    interfaces = Deno.networkInterfaces();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new ForbiddenError("the network interfaces may not be listed: declare the permission sys");
  }
  return interfaces.map(({ name, address, family, cidr, mac }) => ({
    interface: name,
    address,
    family: family === "IPv4" ? 4 : 6,
    cidr,
    mac,
  }));
}

/**
 * The name of the interface that has an address.
 *
 * @param address a valid one
 * @returns undefined when none has
 * @throws {ForbiddenError} without the permission sys
 */
export function interfaceOf(address: string): string | undefined {
  return localAddresses().find((local) => sameAddress(local.address, address))?.interface;
}
