/**
 * Whether the machine can resolve its own name.
 *
 * @module
 */
import { ForbiddenError } from "./errors.ts";
import { runProgram } from "./program.ts";
import type { CheckResult } from "./result.ts";
import { isHostName, show } from "./validate.ts";

const DEFAULT_TIMEOUT_MS = 5000;

/** What was found. */
export interface HostnameMeasurements {
  readonly addresses: readonly string[];
}

/**
 * Looks the machine's name up as its programs do: by /etc/nsswitch.conf, so in /etc/hosts and DNS.
 *
 * @param timeoutMs for the whole lookup, in milliseconds
 * @throws {ForbiddenError} without the permissions sys and run
 */
export async function checkHostname(timeoutMs = DEFAULT_TIMEOUT_MS): Promise<CheckResult<HostnameMeasurements>> {
  const name = ownName();
  const base = { check: "hostname", target: name };
  if (!isHostName(name)) {
    return { ...base, ok: false, reason: `unusable: ${show(name)} is no host name`, measurements: null };
  }
  const { code, stdout, cutOff } = await runProgram("getent", ["ahosts", "--", name], timeoutMs);
  const addresses = [...new Set(stdout.split("\n").flatMap((line) => line.split(/\s+/)[0] || []))];
  if (code === 0 && addresses.length > 0) return { ...base, ok: true, measurements: { addresses } };
  const reason = cutOff ? `no answer in ${timeoutMs} ms` : "does not resolve";
  return { ...base, ok: false, reason, measurements: { addresses: [] } };
}

/**
 * The machine's name.
 *
 * @throws {ForbiddenError} without the permission sys
 */
export function ownName(): string {
  try {
    return Deno.hostname();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new ForbiddenError("the host name may not be read: declare the permission sys");
  }
}
