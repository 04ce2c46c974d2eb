/**
 * IP networks: which addresses lie in them, and in which order addresses come.
 *
 * @module
 */
import { ValueError } from "../../hooks/errors.ts";
import { isIpAddress, quote } from "../databag.ts";

/** An IP address as a number. */
interface Parsed {
  /** 32 or 128. */
  readonly bits: number;
  readonly value: bigint;
}

/** A network, such as `10.0.0.0/8`. */
export interface Cidr {
  /** Whether an address lies in it; text that is no address does not. */
  contains(address: string): boolean;
}

/**
 * Reads a network: an address with a prefix length, or an address alone. Bits behind the prefix do not count.
 *
 * @throws {ValueError} when it is neither
 */
export function parseCidr(cidr: string): Cidr {
  const [address = "", length, ...rest] = cidr.split("/");
  const network = parseAddress(address);
  const prefix = length === undefined ? network?.bits : /^\d{1,3}$/.test(length) ? Number(length) : undefined;
  if (network === undefined || prefix === undefined || prefix > network.bits || rest.length > 0) {
    throw new ValueError(`${quote(cidr)} is no network such as 10.0.0.0/8 or fd00::/64`);
  }
  const shift = BigInt(network.bits - prefix);
  return {
    contains(candidate) {
      const parsed = parseAddress(candidate);
      return parsed?.bits === network.bits && parsed.value >> shift === network.value >> shift;
    },
  };
}

/** Orders addresses: IPv4 before IPv6, each by value. Both must be addresses. */
export function compareAddresses(a: string, b: string): number {
  const [left, right] = [parseAddress(a), parseAddress(b)];
  if (left === undefined || right === undefined) throw new ValueError(`${quote(left ? b : a)} is no IP address`);
  if (left.bits !== right.bits) return left.bits - right.bits;
  return left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
}

function parseAddress(address: string): Parsed | undefined {
  if (!isIpAddress(address)) return undefined;
  if (!address.includes(":")) return { bits: 32, value: ipv4(address) };
  const [head = "", tail] = embedIpv4(address).split("::");
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = Array<bigint>(8 - left.length - right.length).fill(0n);
  return { bits: 128, value: [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | group, 0n) };
}

function ipv4(address: string): bigint {
  return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

/** `::ffff:10.0.0.1` with its last four bytes as two groups. */
function embedIpv4(address: string): string {
  return address.replace(/\d+\.\d+\.\d+\.\d+$/, (tail) => {
    const value = ipv4(tail);
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
}

function groups(text: string): bigint[] {
  return text === "" ? [] : text.split(":").map((group) => BigInt(`0x${group}`));
}
