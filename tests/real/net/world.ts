/**
 * What the tests of network checks share: the network, its targets, results by check.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { CheckResult, Target } from "../../../interfaces/clients/net/result.ts";
import { ensureDebianPackages } from "../../../build/install.ts";
import { must } from "./machine.ts";
import { type Host, IPV4, IPV6, makeNetwork, type Network, whyNoNamespaces } from "./network.ts";
import type { Probed } from "./probe.ts";

const MAX_LOOKS = 5;

/** Installs what the tests need; says, and returns, whether this machine does not permit namespaces. */
export async function namespacesRefused(): Promise<boolean> {
  if (Deno.build.os === "linux" && Deno.uid() === 0) {
    await ensureDebianPackages(["iproute2", "iputils-ping", "dnsmasq-base", "iperf3"]);
  }
  const refusal = await whyNoNamespaces();
  if (refusal !== undefined) console.log(`SKIPPED: network namespaces are not permitted here: ${refusal}`);
  return refusal !== undefined;
}

/** A network that is there while the tests of this file run. */
export function networkOfTests(refused: boolean): Pick<Network, "namespace"> {
  let network: Network | undefined;
  if (!refused) {
    Deno.test.beforeAll(async () => {
      network = await makeNetwork();
    });
    Deno.test.afterAll(() => network?.remove());
  }
  return {
    namespace(host) {
      assert(network, "the network is there while tests run");
      return network.namespace(host);
    },
  };
}

export const target = (name: string, address: string): Target => ({ name, address });
export const v4 = (...hosts: Host[]): Target[] => hosts.map((host) => target(host, IPV4[host]));
export const v6 = (...hosts: Host[]): Target[] => hosts.map((host) => target(`${host}/6`, IPV6[host]));

/** The results of one check. */
export function results<M>(probed: Probed | undefined, check: string): CheckResult<M>[] {
  const found = probed?.[check];
  assert(Array.isArray(found), `${check}: ${JSON.stringify(found)}`);
  return found as CheckResult<M>[];
}

/** Each target with what is wrong, or `ok`. */
export const reasons = (found: readonly CheckResult<unknown>[]): string[] =>
  found.map(({ target, reason }) => `${target}: ${reason ?? "ok"}`);

/** Looks again, a few times, when something is not as expected: on a busy machine packets and answers come late. */
export async function eventually(look: () => Promise<void>): Promise<void> {
  for (let left = MAX_LOOKS - 1; left > 0; left--) {
    try {
      return await look();
    } catch (error) {
      console.log(`not yet: ${error instanceof Error ? error.message : error}`);
    }
  }
  await look();
}

/** Runs something while the link of the host in a namespace has a queueing discipline. */
export async function onLink(namespace: string, discipline: string, during: () => Promise<void>): Promise<void> {
  await must("tc", ["-n", namespace, "qdisc", "add", "dev", "eth0", "root", ...discipline.split(" ")]);
  try {
    await during();
  } finally {
    await must("tc", ["-n", namespace, "qdisc", "del", "dev", "eth0", "root"]);
  }
}
