/**
 * What runs on the hosts of the tests' network: checks, and a DNS server.
 *
 * @module
 */
import { must } from "./machine.ts";
import type { Host, Network } from "./network.ts";
import type { Probed, Probes } from "./probe.ts";

const PROBE = new URL("./probe.ts", import.meta.url).pathname;

/** What a handler that checks the network declares, and nothing else. */
const PERMISSIONS = ["--allow-run", "--allow-net", "--allow-sys"];

/** The command line that runs checks in a namespace. */
function probeCommand(namespace: string, probes: readonly Probes[], before: readonly string[]): string[] {
  const deno = [Deno.execPath(), "run", ...PERMISSIONS, "--no-prompt", "--no-config", "--no-lock", "--quiet"];
  return ["netns", "exec", namespace, ...before, ...deno, PROBE, JSON.stringify(probes)];
}

/**
 * Runs checks on a host, one object after the other; within an object in parallel.
 *
 * @param before the program that runs the checks, such as `setpriv` and its options
 */
export async function probeOn(
  network: Pick<Network, "namespace">,
  host: Host,
  probes: readonly Probes[],
  before: readonly string[] = [],
): Promise<Probed[]> {
  return JSON.parse(await must("ip", probeCommand(network.namespace(host), probes, before))) as Probed[];
}

/** Starts dnsmasq on a host, at one address and port 53, and waits until it answers. */
export async function startDns(
  network: Pick<Network, "namespace">,
  host: Host,
  address: string,
  records: readonly string[],
): Promise<AsyncDisposable> {
  const args = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"];
  const where = [`--listen-address=${address}`, "--bind-interfaces", "--pid-file=", "--local=/test/", "--local=/arpa/"];
  const command = [
    "netns",
    "exec",
    network.namespace(host),
    "dnsmasq",
    ...args,
    "--log-facility=-",
    ...where,
    ...records,
  ];
  const child = new Deno.Command("ip", { args: command, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes(": started, version")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`dnsmasq does not start: ${said}`);
    said += value;
  }
  await reader.cancel();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}
