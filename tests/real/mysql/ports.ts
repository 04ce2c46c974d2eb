/**
 * Ports that nobody uses.
 *
 * @module
 */
import { fail } from "@std/assert";

/** Below the ports that systems give to outgoing connections. */
const FIRST = 15_000;
const LAST = 32_000;
/** Ports of which this process has the first one, and with it all: several tests run on one machine. */
const SLICE = 1000;

const slice = takeSlice();
let next = 0;

/**
 * Chooses ports. They are not given again soon: whoever gets them may use them much later, and stop using them for a while.
 *
 * @param together how many ports from each on are to be free
 */
export function freePorts(count: number, together = 1): number[] {
  const ports: number[] = [];
  for (let tries = 0; tries < SLICE; tries++) {
    if (ports.length === count) return ports;
    if (next + together >= SLICE) next = 0;
    const port = slice + 1 + next;
    const range = Array.from({ length: together }, (_, index) => port + index);
    if (range.every((each) => listen(each, (listener) => listener.close()))) ports.push(port);
    next += together;
  }
  return fail("no free ports");
}

/** Held until the process ends. @returns its first port, which nobody gets */
function takeSlice(): number {
  const count = (LAST - FIRST) / SLICE;
  const begin = Math.floor(Math.random() * count);
  for (let tries = 0; tries < count; tries++) {
    const port = FIRST + (begin + tries) % count * SLICE;
    if (listen(port, (listener) => listener.unref())) return port;
  }
  return fail("no free ports: too many tests run at once");
}

function listen(port: number, use: (listener: Deno.TcpListener) => void): boolean {
  try {
    use(Deno.listen({ hostname: "0.0.0.0", port }));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
