/**
 * Units of the magpie charm on the hosts of the tests' network: their hooks run in the hosts' namespaces.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import type { ConfigValues, DeployOptions, TimelineEntry } from "../../model/mod.ts";
import { addUnit, enterRelations } from "../../model/world.ts";
import { type Lab, openLab } from "../units.ts";
import { startDns } from "./hosts.ts";
import { must } from "./machine.ts";
import { type Host, IPV4, IPV6, type Network } from "./network.ts";

/** Unit 0 is on host a, and so on. */
const HOSTS: readonly Host[] = ["a", "b", "c", "d"];

/** Quick checks; what a test is about it switches on. */
export const QUIET: ConfigValues = {
  ping_tries: 3,
  // A busy machine answers late; who does not answer at all is told by the kernel sooner.
  ping_timeout: 5,
  check_dns: false,
  check_local_hostname: false,
  check_bonds: "",
  check_iperf: false,
};

/** Units on hosts. */
export class MagpieUnits implements AsyncDisposable {
  constructor(readonly lab: Lab, readonly app: string, readonly network: Pick<Network, "namespace">) {}

  /** Runs `update-status` on all units, and whatever follows from it. */
  async check(): Promise<void> {
    this.lab.model.updateStatus(this.app);
    await this.lab.model.settle();
  }

  /** Changes configuration and lets everything follow. */
  async configure(values: ConfigValues): Promise<void> {
    this.lab.model.setConfig(this.app, values);
    await this.lab.model.settle();
  }

  /** The statuses of all units, as `blocked: …`. */
  statuses(): string[] {
    return this.lab.unitsOf(this.app).map((unit) => this.lab.statusOf(unit));
  }

  /** Checks the status of each unit as it is now. */
  expect(...expected: (string | RegExp)[]): void {
    const found = this.statuses();
    assertEquals(found.length, expected.length, found.join("\n"));
    for (const [index, want] of expected.entries()) {
      if (typeof want === "string") assertEquals(found[index], want);
      else assertMatch(found[index] ?? "", want);
    }
  }

  /** Runs what is due, and `update-status` again and again, until the statuses are as expected. */
  async until(...expected: (string | RegExp)[]): Promise<void> {
    await this.lab.settleUntil("the units' statuses", () => {
      this.expect(...expected);
      return true;
    });
  }

  /** The lines of all levels but DEBUG that a unit's own code wrote into its log, from a line on. */
  log(unit: string, from = 0): string[] {
    return this.lab.model.log(unit).filter(({ module, level }) => module.endsWith("juju-log") && level !== "DEBUG")
      // Juju puts the relation before what a relation hook logs.
      .map(({ message }) => message.replace(/^magpie:\d+: /, "")).slice(from);
  }

  /** The bag of a unit in the peer relation: what others see of it. */
  bag(unit: string): Readonly<Record<string, string>> {
    return this.#relation().unitBags[unit] ?? {};
  }

  /** Makes a unit publish what it should not, and nothing else. */
  publish(unit: string, values: Readonly<Record<string, string>>): void {
    const relation = this.#relation();
    relation.unitBags[unit] = { ...values };
    relation.versions[unit] = (relation.versions[unit] ?? 0) + 1;
  }

  /** Adds units that run no hooks: only what they publish is there. */
  addSilent(addresses: readonly string[]): void {
    const { world } = this.lab.model;
    const application = world.applications[this.app];
    if (application === undefined) throw new Error(`there is no application ${this.app}`);
    for (const address of addresses) {
      enterRelations(world, addUnit(world, application, { machine: `silent-${address}`, address, storageRoot: "/" }));
    }
  }

  /** The runs of a unit's hook or action. */
  runs(unit: string, name: string): TimelineEntry[] {
    return this.lab.model.timeline.filter((entry) => entry.unit === unit && entry.name === name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lab[Symbol.asyncDispose]();
  }

  #relation() {
    const relations = Object.values(this.lab.model.world.relations);
    const relation = relations.find(({ sides }) => sides.some(({ app }) => app === this.app));
    if (relation === undefined) throw new Error("there is no relation");
    return relation;
  }
}

/** What {@linkcode deployMagpie} is told. */
export interface MagpieOptions {
  readonly units?: number;
  readonly config?: ConfigValues;
  /** The interface that the charm declares; `magpie` when absent. */
  readonly interface?: "magpie" | "magpie2";
  /** Units are known by their IPv6 addresses. */
  readonly ipv6?: boolean;
}

/** Deploys units, the first on host a, and lets them settle. */
export async function deployMagpie(
  network: Pick<Network, "namespace">,
  { units = 3, config = {}, interface: name = "magpie", ipv6 = false }: MagpieOptions = {},
): Promise<MagpieUnits> {
  const hostOf = (unit: number) => HOSTS[unit] ?? "a";
  const lab = await openLab({
    server: "iperf3",
    // Abstract sockets belong to a network namespace.
    socket: "path",
    wrap: (unit, command) => {
      return ["ip", "netns", "exec", network.namespace(hostOf(Number(unit.split("/")[1]))), ...command];
    },
  });
  try {
    const address = (unit: number) => (ipv6 ? IPV6 : IPV4)[hostOf(unit)];
    const options = { units, address, config: { ...QUIET, ...config } };
    if (name === "magpie") await lab.deploy({ charm: "magpie", ...options });
    else await deployOther(lab, name, options);
    await lab.model.settle();
    return new MagpieUnits(lab, "magpie", network);
  } catch (error) {
    console.log(await lab.describe());
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** A charm that differs in the name of its interface only. */
async function deployOther(lab: Lab, name: string, options: Pick<DeployOptions, "units" | "address" | "config">) {
  await lab.deploy({ charm: "magpie", name: "original", units: 0 });
  const charm = join(lab.directory, "other");
  await must("cp", ["-a", lab.model.world.applications.original?.charmSource ?? "", charm]);
  const metadata = join(charm, "metadata.yaml");
  const text = await Deno.readTextFile(metadata);
  await Deno.writeTextFile(metadata, text.replace("interface: magpie", `interface: ${name}`));
  lab.model.removeApplication("original");
  const config = { "data-directory": lab.dataDirectory, ...options.config };
  await lab.model.deploy({ ...options, name: "magpie", charm, config });
}

/** Host names of the units' addresses, both ways, by a DNS server on host b. */
export function startNames(
  network: Pick<Network, "namespace">,
  more: readonly string[] = [],
): Promise<AsyncDisposable> {
  const records = (["a", "b", "c"] as const).map((host) => `--host-record=${host}.test,${IPV4[host]},${IPV6[host]}`);
  return startDns(network, "b", IPV4.b, [...records, ...more]);
}

/** Cuts a host off while something happens. */
export async function cutOff(
  network: Pick<Network, "namespace">,
  host: "a" | "b" | "c",
  during: () => Promise<void>,
): Promise<void> {
  const port = ["-n", network.namespace("switch"), "link", "set", `to-${host}`];
  await must("ip", [...port, "down"]);
  try {
    await during();
  } finally {
    await must("ip", [...port, "up"]);
  }
}
