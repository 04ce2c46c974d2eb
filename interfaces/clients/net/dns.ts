/**
 * DNS of peers: an address has names, and each of its names leads back to it.
 *
 * @module
 */
import { checkEach, type EachOptions, mapLimited } from "./each.ts";
import { checkOptions, lookupAddresses, lookupAlias, lookupNames, type LookupOptions } from "./lookup.ts";
import type { CheckResult, Outcome, Target } from "./result.ts";
import { type Address, sameAddress } from "./validate.ts";

/** Names of one address that are followed; more is somebody else's mistake, or malice. */
const MAX_NAMES = 8;
/** Names of one address that are asked for at the same time. */
const NAMES_AT_ONCE = 4;

/** Where and how patiently to ask, and how many targets at once. */
export interface DnsOptions extends EachOptions, LookupOptions {}

/** What is known of one of an address's names. */
export interface DnsName {
  readonly name: string;
  /** Its addresses of the same family. */
  readonly addresses: readonly string[];
  /** The name that it is an alias of; null when it is none. */
  readonly alias: string | null;
  /** Whether the address is among its addresses. */
  readonly agrees: boolean;
  /** Why there are no addresses. */
  readonly reason?: string;
}

/** What DNS says of an address. */
export interface DnsMeasurements {
  readonly names: readonly DnsName[];
  /** Time for all questions, in milliseconds. */
  readonly ms: number;
}

/**
 * Asks for the names of every target's address and for the addresses of these names. Ok when there is a name and all
 * names lead back to the address.
 *
 * @throws {ForbiddenError} without the permission net
 * @throws {InputError} for options out of bounds
 */
export async function checkDns(
  targets: readonly Target[],
  options: DnsOptions = {},
): Promise<CheckResult<DnsMeasurements>[]> {
  checkOptions(options);
  return await checkEach("dns", targets, options, (address) => checkOne(address, options));
}

async function checkOne(address: Address, options: LookupOptions): Promise<Outcome<DnsMeasurements>> {
  const start = performance.now();
  const reverse = await lookupNames(address.address, options);
  const followed = [...new Set(reverse.values)].slice(0, MAX_NAMES);
  const names = await mapLimited(followed, NAMES_AT_ONCE, (name) => follow(name, address, options));
  const measurements = { names, ms: Math.round(performance.now() - start) };
  const wrong = names.find(({ agrees }) => !agrees);
  if (wrong !== undefined) return { reason: disagreement(wrong), measurements };
  if (names.length > 0) return { measurements };
  return { reason: `reverse: ${reverse.reason ?? "no PTR record"}`, measurements };
}

async function follow(name: string, { address, family }: Address, options: LookupOptions): Promise<DnsName> {
  const [forward, alias] = await Promise.all([
    lookupAddresses(name, family === 4 ? "A" : "AAAA", options),
    lookupAlias(name, options),
  ]);
  return {
    name,
    addresses: forward.values,
    alias: alias.values[0] ?? null,
    agrees: forward.values.some((value) => sameAddress(value, address)),
    ...(forward.reason === undefined ? {} : { reason: forward.reason }),
  };
}

function disagreement({ name, addresses, reason }: DnsName): string {
  if (reason?.startsWith("unusable")) return `reverse: ${reason}`;
  return addresses.length === 0
    ? `forward of ${name}: ${reason ?? "no address"}`
    : `forward of ${name} is ${addresses.slice(0, 3).join(", ")}`;
}
