/**
 * What not every kernel has: said loudly where a test has to do without.
 *
 * @module
 */
import { ip, run } from "./machine.ts";
import type { Network } from "./network.ts";

/** Says, and returns, whether `tc netem` is missing. */
export function netemRefused(): Promise<boolean> {
  return refused("tc netem is", ["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]);
}

/** Says, and returns, whether bonds are missing. */
export function bondsRefused(): Promise<boolean> {
  return refused("bonds are", ["ip", "link", "add", "bond9", "type", "bond"]);
}

/** In a namespace of its own, so that the network need not exist yet. */
async function refused(what: string, [program = "", ...args]: readonly string[]): Promise<boolean> {
  const name = `charmlet-net-${Deno.pid}-kernel-${crypto.randomUUID().slice(0, 8)}`;
  await ip(`netns add ${name}`);
  try {
    const { code, stderr } = await run(program, ["-n", name, ...args]);
    if (code !== 0) {
      console.log(`SKIPPED: ${what} not in this kernel: ${stderr.trim().split("\n")[0] || `status ${code}`}`);
    }
    return code !== 0;
  } finally {
    await ip(`netns del ${name}`);
  }
}

/** Gives host a a bond of two links, m1 and m2, while something happens that may take the second down. */
export async function withBond(
  network: Pick<Network, "namespace">,
  during: (setMember: (state: "up" | "down") => Promise<void>) => Promise<void>,
): Promise<void> {
  const [a, hub] = [network.namespace("a"), network.namespace("switch")];
  await ip(`-n ${a} link add bond0 type bond mode active-backup miimon 100`);
  try {
    for (const port of ["m1", "m2"]) {
      await ip(`link add ${port} netns ${a} type veth peer name ${port} netns ${hub}`);
      await ip(`-n ${hub} link set ${port} up`);
      await ip(`-n ${a} link set ${port} master bond0`);
    }
    await ip(`-n ${a} link set bond0 up`);
    await during(async (state) => {
      await ip(`-n ${hub} link set m2 ${state}`);
    });
  } finally {
    await ip(`-n ${a} link del bond0`);
  }
}
