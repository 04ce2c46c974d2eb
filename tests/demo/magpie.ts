/**
 * The demo's network story: units that check whether they reach each other, all on loopback addresses of this machine.
 *
 * @module
 */
import type { Lab } from "../real/units.ts";
import { expect, expectEqual } from "./expect.ts";
import type { Stage, Step } from "./stage.ts";

/** Pings are real; what this machine may not have (DNS records, iperf3) is switched off. */
const CONFIG = {
  check_dns: false,
  check_iperf: false,
  check_local_hostname: false,
  ping_tries: 3,
  required_mtu: 1500,
} as const;

/**
 * Steps for units of magpie.
 *
 * @param lab where the units live
 */
export function magpieStory(lab: Lab): Step[] {
  return [
    { title: "check the network", run: (stage) => deploy(stage, lab) },
    { title: "ask for a check", run: runActions },
    { title: "a peer publishes a command", run: publishCommand },
    { title: "remove the magpies", run: remove },
  ];
}

async function deploy(stage: Stage, lab: Lab): Promise<string> {
  await lab.deploy({ charm: "magpie", units: 3, config: CONFIG });
  await stage.model.settle();
  stage.expectStatus("magpie", "active", "icmp ok, mtu 1500 ok, 2 peers");
  stage.status += `\n\n${stage.model.formatStatus()}`;
  return "each of 3 units pinged the others: icmp ok, mtu 1500 ok, 2 peers";
}

async function runActions(stage: Stage): Promise<string> {
  const ping = await stage.model.run("magpie/0", "ping", { units: "magpie/2", tries: 5 });
  expectEqual([ping.status, ping.results.summary], ["completed", "icmp ok, 1 peer"], "ping");
  const info = await stage.model.run("magpie/0", "info");
  const { address } = stage.model.world.units["magpie/0"] ?? {};
  expectEqual([info.status, info.results.address], ["completed", address], "info");
  const unknown = await stage.model.run("magpie/0", "ping", { units: "magpie/9" });
  expectEqual(unknown.message, "no peer is called magpie/9; the peers are magpie/1, magpie/2", "ping of nobody");
  return `ping magpie/2: ${ping.results.summary}; of magpie/9: "${unknown.message}"`;
}

async function publishCommand(stage: Stage): Promise<string> {
  const { model } = stage;
  const address = model.world.units["magpie/2"]?.address ?? "";
  model.setAddress("magpie/2", "127.0.0.1;rm -rf /");
  await model.settle();
  const { status, message } = stage.units("magpie")[0]?.status ?? {};
  expectEqual(status, "blocked", "status of magpie/0");
  expect(
    message?.startsWith('address failed: magpie/2 (unusable: publishes the private-address "127.0.0.1;rm -rf /"') ??
      false,
    `magpie/0 says who and why: ${message}`,
  );
  model.setAddress("magpie/2", address);
  await model.settle();
  stage.expectStatus("magpie", "active", "icmp ok, mtu 1500 ok, 2 peers");
  return `blocked, and nothing is run: ${message}`;
}

async function remove(stage: Stage): Promise<string> {
  stage.model.removeApplication("magpie");
  await stage.model.settle();
  expectEqual(stage.units("magpie"), [], "units that are left");
  return "no unit is left";
}
