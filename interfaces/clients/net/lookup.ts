/**
 * Single DNS questions through `Deno.resolveDns`, bounded in time and tries.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { ForbiddenError } from "./errors.ts";
import { expandIpv6, isHostName, readAddress, show, wholeNumber } from "./validate.ts";

/** Most records of one answer that are looked at. */
const MAX_RECORDS = 32;

/** Whom to ask, and how patiently. */
export interface LookupOptions {
  /** IP address of the server; the machine's own unless given. */
  readonly server?: string;
  /** Port of that server; 53 unless given. */
  readonly port?: number;
  /** How often a question is asked that stays without an answer; 1 unless given. */
  readonly tries?: number;
  /** Milliseconds for one try; 5000 unless given. */
  readonly timeoutMs?: number;
}

/** An answer: values, or the reason why there are none. */
export interface Answer {
  readonly values: readonly string[];
  readonly reason?: string;
}

type RecordType = "A" | "AAAA" | "CNAME" | "PTR";

/**
 * The addresses of a host name.
 *
 * @param type `A` or `AAAA`
 * @throws {InputError | ForbiddenError}
 */
export function lookupAddresses(name: string, type: "A" | "AAAA", options: LookupOptions = {}): Promise<Answer> {
  return lookupName(name, type, options);
}

/**
 * The name that a host name is an alias of.
 *
 * @throws {InputError | ForbiddenError}
 */
export function lookupAlias(name: string, options: LookupOptions = {}): Promise<Answer> {
  return lookupName(name, "CNAME", options);
}

/**
 * The host names of an address, without the trailing dot.
 *
 * @param address a checked one
 * @throws {InputError | ForbiddenError}
 */
export function lookupNames(address: string, options: LookupOptions = {}): Promise<Answer> {
  return ask(reverseName(address), "PTR", options);
}

async function lookupName(name: string, type: RecordType, options: LookupOptions): Promise<Answer> {
  if (!isHostName(name)) return { values: [], reason: `unusable: ${show(name)} is no host name` };
  // With the trailing dot, no search domain of the machine is tried.
  return await ask(name.endsWith(".") ? name : `${name}.`, type, options);
}

/** The name below in-addr.arpa or ip6.arpa that stands for an address. */
export function reverseName(address: string): string {
  if (!address.includes(":")) return `${address.split(".").reverse().join(".")}.in-addr.arpa.`;
  return `${[...expandIpv6(address).join("")].reverse().join(".")}.ip6.arpa.`;
}

async function ask(name: string, type: RecordType, options: LookupOptions): Promise<Answer> {
  const { tries, timeoutMs, nameServer } = checkOptions(options);
  let reason = "";
  for (let attempt = 0; attempt < tries; attempt++) {
    const answer = await askOnce(name, type, timeoutMs, nameServer);
    if (!("again" in answer)) return answer;
    reason = answer.again;
  }
  return { values: [], reason: tries > 1 ? `${reason}, ${tries} tries` : reason };
}

async function askOnce(
  name: string,
  type: RecordType,
  timeoutMs: number,
  nameServer: { ipAddr: string; port: number } | undefined,
): Promise<Answer | { readonly again: string }> {
  // The resolver alone would go on for 15 seconds.
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const options = { signal: abort.signal, ...(nameServer === undefined ? {} : { nameServer }) };
    const values = await Deno.resolveDns(name, type, options);
    return { values: values.slice(0, MAX_RECORDS).map((value) => value.replace(/\.$/, "")) };
  } catch (error) {
    if (abort.signal.aborted || error instanceof Deno.errors.TimedOut) return { again: `no answer in ${timeoutMs} ms` };
    if (error instanceof Deno.errors.NotFound) return { values: [], reason: `no ${type} record` };
    if (error instanceof Deno.errors.NotCapable) {
      throw new ForbiddenError("DNS servers may not be asked: declare the permission net");
    }
    return { again: `the resolver says ${show(error instanceof Error ? error.message : String(error))}` };
  } finally {
    clearTimeout(timer);
  }
}

/** @throws {InputError} for options out of bounds */
export function checkOptions(options: LookupOptions): {
  tries: number;
  timeoutMs: number;
  nameServer: { ipAddr: string; port: number } | undefined;
} {
  const port = wholeNumber("port", options.port ?? 53, 1, 65_535);
  const server = options.server === undefined ? undefined : readAddress(options.server, { loopback: true });
  if (server !== undefined && "unusable" in server) {
    throw new InputError(`the DNS server ${server.unusable}: give its IP address`);
  }
  return {
    tries: wholeNumber("tries", options.tries ?? 1, 1, 100),
    timeoutMs: wholeNumber("timeoutMs", options.timeoutMs ?? 5000, 1, 60_000),
    nameServer: server === undefined ? undefined : { ipAddr: server.address, port },
  };
}
