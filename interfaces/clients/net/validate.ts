/**
 * Values from databags, config and action parameters before they get near a program or a socket.
 *
 * @module
 */
import { isIP } from "node:net";
import { InputError } from "../errors.ts";

/** Longest part of a value that a message repeats, in characters. */
const MAX_SHOWN = 40;
const MAX_HOST_NAME = 253;

/** 4 or 6. */
export type Family = 4 | 6;

/** A checked IP address. */
export interface Address {
  readonly address: string;
  readonly family: Family;
}

/** Which addresses are accepted. */
export interface AddressRules {
  /** Only this family. */
  readonly family?: Family;
  /** Accept 127.0.0.0/8 and ::1, for units on one machine. A loopback address never proves that a peer is reachable. */
  readonly loopback?: boolean;
}

/**
 * Reads an IP address of one host.
 *
 * @returns the address, or why it cannot be used
 */
export function readAddress(value: string, rules: AddressRules = {}): Address | { readonly unusable: string } {
  const family = isIP(value);
  if (family !== 4 && family !== 6) return { unusable: `${show(value)} is no IP address` };
  if (value.includes("%")) return { unusable: `${show(value)} has a zone` };
  if (rules.family !== undefined && rules.family !== family) {
    return { unusable: `${value} is IPv${family}, IPv${rules.family} is wanted` };
  }
  const kind = family === 4 ? kindOfIpv4(value) : kindOfIpv6(expandIpv6(value));
  if (kind !== undefined && !(kind === "loopback" && rules.loopback)) {
    return { unusable: `${value} is a ${kind} address` };
  }
  return { address: value, family };
}

function kindOfIpv4(address: string): string | undefined {
  const first = Number(address.split(".")[0]);
  if (first === 0) return "unspecified";
  if (first === 127) return "loopback";
  if (first >= 224 && first <= 239) return "multicast";
  return first > 239 ? "reserved" : undefined;
}

function kindOfIpv6(groups: readonly string[]): string | undefined {
  const digits = groups.join("");
  if (/^0+$/.test(digits)) return "unspecified";
  if (/^0+1$/.test(digits)) return "loopback";
  if (digits.startsWith("ff")) return "multicast";
  return /^0{20}ffff/.test(digits) ? "IPv4-mapped" : undefined;
}

/** The eight groups of an IPv6 address, four lower-case digits each. The address must be valid. */
export function expandIpv6(address: string): string[] {
  const plain = address.toLowerCase().replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const groups = (text: string) => text === "" ? [] : text.split(":");
  const [left, right] = [groups(head), groups(tail ?? "")];
  return [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right]
    .map((group) => group.padStart(4, "0"));
}

/** Whether two valid addresses are the same, however they are written. */
export function sameAddress(a: string, b: string): boolean {
  if (a.includes(":") !== b.includes(":")) return false;
  return a.includes(":") ? expandIpv6(a).join() === expandIpv6(b).join() : a === b;
}

/** Whether text is a host name: labels of letters, digits, hyphens and underscores; a trailing dot is allowed. */
export function isHostName(value: string): boolean {
  const name = value.endsWith(".") ? value.slice(0, -1) : value;
  return name.length <= MAX_HOST_NAME && isIP(name) === 0 &&
    name.split(".").every((label) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
}

/** Whether text is a name that a network interface can have and that is safe as part of a path. */
export function isInterfaceName(value: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/.test(value);
}

/**
 * A whole number within bounds, from config or an action's parameters.
 *
 * @throws {InputError} when it is not
 */
export function wholeNumber(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InputError(`${name} is ${value}: give a whole number from ${min} to ${max}`);
}

/** A hostile value as a message may repeat it: quoted, without control characters, not long. */
export function show(value: string): string {
  const text = value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value;
  return JSON.stringify(text.replaceAll(/[^\x20-\x7e…]/g, "?"));
}
