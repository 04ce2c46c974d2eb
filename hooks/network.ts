/**
 * Addresses of a binding, as network-get tells them.
 *
 * @module
 */
import { isRecord } from "./juju/shape.ts";

/** One address of an interface. */
export interface InterfaceAddress {
  readonly value: string;
  /** Such as `10.0.0.0/24`; `""` when unknown. */
  readonly cidr: string;
  readonly hostname: string;
}

/** One network interface of the binding. */
export interface NetworkInterface {
  readonly name: string;
  readonly macAddress: string;
  readonly addresses: readonly InterfaceAddress[];
}

/** What the binding offers; lists are empty where Juju leaves them out. */
export interface Network {
  readonly interfaces: readonly NetworkInterface[];
  readonly ingressAddresses: readonly string[];
  readonly egressSubnets: readonly string[];
  /** First address of the first interface: what a server listens on. */
  readonly bindAddress: string | undefined;
  /** First ingress address, else the bind address (as `network-get --ingress-address`). */
  readonly ingressAddress: string | undefined;
}

/** Reads the reply of network-get; anything that is not of its shape is left out. */
export function parseNetwork(reply: Readonly<Record<string, unknown>>): Network {
  const interfaces = records(reply["bind-addresses"]).map((entry) => ({
    name: text(entry["interface-name"] ?? entry.interfacename),
    macAddress: text(entry["mac-address"] ?? entry.macaddress),
    addresses: records(entry.addresses).map((address) => ({
      value: text(address.value ?? address.address),
      cidr: text(address.cidr),
      hostname: text(address.hostname),
    })).filter(({ value }) => value !== ""),
  }));
  const ingressAddresses = texts(reply["ingress-addresses"]);
  const bindAddress = interfaces.flatMap(({ addresses }) => addresses)[0]?.value;
  return {
    interfaces,
    ingressAddresses,
    egressSubnets: texts(reply["egress-subnets"]),
    bindAddress,
    ingressAddress: ingressAddresses[0] ?? bindAddress,
  };
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string" && entry !== "") : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
