/**
 * Whether a TCP server of this machine listens, without a connection to it.
 *
 * @module
 */
import { runProgram } from "./program.ts";
import { type Address, expandIpv6, wholeNumber } from "./validate.ts";

const READ_MS = 10_000;

/**
 * Looks into the kernel's tables of sockets, /proc/net/tcp and tcp6.
 *
 * @param address one of the machine's own; a server that listens on all addresses counts too
 * @throws {ProgramMissingError | ForbiddenError}
 * @throws {InputError} for a port out of bounds
 */
export async function isListening(address: Address, port: number): Promise<boolean> {
  const hex = wholeNumber("port", port, 1, 65_535).toString(16).toUpperCase().padStart(4, "0");
  // State 0A is LISTEN; Deno lets only processes with every permission read below /proc.
  const pattern = `: [0-9A-F]+:${hex} [0-9A-F]+:[0-9A-F]+ 0A `;
  const { stdout } = await runProgram("grep", ["-shE", "--", pattern, "/proc/net/tcp", "/proc/net/tcp6"], READ_MS);
  return listens(stdout, address);
}

/** Whether one of the lines of the tables is about an address, or about all. */
export function listens(lines: string, { address, family }: Address): boolean {
  const own = family === 4 ? wordOf(address.split(".").map(Number)) : wordsOf(address);
  const locals = [...lines.matchAll(/^\s*\d+: ([0-9A-F]+):[0-9A-F]{4} /gm)].map(([, local = ""]) => local);
  return locals.some((local) => local === own || /^0+$/.test(local));
}

/** Four bytes as a number in the order of the machine, which is little-endian wherever Deno runs. */
function wordOf(bytes: readonly number[]): string {
  return [...bytes].reverse().map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("");
}

function wordsOf(address: string): string {
  const bytes = expandIpv6(address).flatMap((group) => [parseInt(group.slice(0, 2), 16), parseInt(group.slice(2), 16)]);
  return [0, 4, 8, 12].map((start) => wordOf(bytes.slice(start, start + 4))).join("");
}
