/**
 * Ports that nobody uses.
 *
 * @module
 */
import { fail } from "@std/assert";

/** Below the ports that systems give to outgoing connections. */
const FIRST = 15_000;
const LAST = 32_000;
const TRIES = 1000;

/**
 * Chooses ports at random: several tests run on one machine.
 *
 * @param together how many ports from each on are to be free
 */
export function freePorts(count: number, together = 1): number[] {
  const ports = new Set<number>();
  for (let tries = 0; tries < TRIES; tries++) {
    if (ports.size === count) return [...ports];
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (Array.from({ length: together }, (_, index) => port + index).every(isFree)) ports.add(port);
  }
  return fail("no free ports");
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "0.0.0.0", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
