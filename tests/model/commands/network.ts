/**
 * network-get and unit-get. Source: contract section 3.4.
 *
 * @module
 */
import type { Printable } from "../format.ts";
import { goQuote } from "../go_flags.ts";
import type { HookRun } from "../hook_run.ts";
import type { Bag, NetworkInfo, WorldState } from "../state.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  UsageError,
} from "./definition.ts";
import { relationFlag } from "./relation.ts";

/**
 * A unit's addresses in one binding: what was set for it, else the unit's address when the charm has it.
 *
 * @param world the model
 * @param unitName the unit
 * @param binding endpoint or extra binding; `""` is the default one
 * @returns undefined when there is no such binding
 */
export function networkOf(world: WorldState, unitName: string, binding: string): NetworkInfo | undefined {
  const unit = world.units[unitName];
  if (!unit) return undefined;
  if (Object.hasOwn(unit.networks, binding)) return unit.networks[binding];
  const endpoints = world.applications[unit.app]?.charm.endpoints ?? [];
  const known = binding === "" || binding === "juju-info" || endpoints.some((endpoint) => endpoint.name === binding);
  if (!known || unit.address === "") return undefined;
  const subnet = `${unit.address}/${unit.address.includes(":") ? 128 : 32}`;
  const network = unit.address.includes(":") ? subnet : unit.address.replace(/\.\d+$/, ".0/24");
  return {
    "bind-addresses": [{
      "mac-address": "00:16:3e:00:00:01",
      "interface-name": "eth0",
      addresses: [{ hostname: "", value: unit.address, cidr: network }],
    }],
    "egress-subnets": [subnet],
    "ingress-addresses": [unit.address],
  };
}

/**
 * What Juju itself writes into a unit's bag when the unit enters a relation, and refreshes when a
 * `config-changed` hook is committed. Source: contract section 4.3.
 *
 * @param world the model
 * @param unitName the unit
 * @param endpoint the unit's endpoint of the relation
 */
export function addressSettings(world: WorldState, unitName: string, endpoint: string): Bag {
  const network = networkOf(world, unitName, endpoint) ?? networkOf(world, unitName, "");
  const ingress = network?.["ingress-addresses"]?.[0] ?? network?.["bind-addresses"][0]?.addresses[0]?.value;
  if (ingress === undefined) return {};
  const egress = network?.["egress-subnets"] ?? [];
  return {
    "ingress-address": ingress,
    "private-address": ingress,
    ...(egress.length > 0 ? { "egress-subnets": egress.join(",") } : {}),
  };
}

function networkGet(call: CommandCall): CommandResult {
  const [binding] = call.args;
  if (binding === undefined) throw new UsageError("no arguments specified");
  if (binding === "") throw new UsageError("no binding name specified");
  checkEmpty(call.args.slice(1));
  const network = networkOf(call.run.world, call.run.unit, binding);
  const first = network?.["bind-addresses"][0];
  if (!network || !first) throw new RunError(`no network config found for binding ${goQuote(binding)}`);

  const wanted = ["bind-address", "egress-subnets", "ingress-address"].filter((key) => call.flags.get(key) === "true");
  const bindAddress = (): string => {
    const value = first.addresses[0]?.value;
    if (value === undefined) throw new RunError(`no addresses attached to space for binding ${goQuote(binding)}`);
    return value;
  };
  if (call.flags.get("primary-address") === "true") {
    if (wanted.length > 0) throw new RunError("--primary-address must be the only flag specified");
    return { value: bindAddress() };
  }
  if (wanted.length === 0) return { value: display(network, call.format !== "json") };
  const egress = network["egress-subnets"];
  const values: { [key: string]: Printable } = {};
  for (const key of wanted) {
    if (key === "bind-address") values[key] = bindAddress();
    else if (key === "ingress-address") values[key] = network["ingress-addresses"]?.[0] ?? bindAddress();
    else values[key] = egress ?? (call.format === "json" ? null : []);
  }
  const [only = ""] = wanted;
  return wanted.length === 1 ? { value: values[only] ?? null, asLines: true } : { value: values };
}

/** YAML repeats some keys under older names, JSON does not. */
function display(network: NetworkInfo, withOldNames: boolean): Printable {
  const old = (key: string, value: string): [string, Printable][] => withOldNames ? [[key, value]] : [];
  const interfaces = network["bind-addresses"].map((device) => {
    const mac = device["mac-address"] ?? "";
    const name = device["interface-name"] ?? "";
    const addresses = device.addresses.map(({ hostname = "", value, cidr = "" }) =>
      new Map<string, Printable>([
        ["hostname", hostname],
        ["value", value],
        ["cidr", cidr],
        ...old("address", value),
      ])
    );
    return new Map<string, Printable>([
      ["mac-address", mac],
      ["interface-name", name],
      ["addresses", addresses],
      ...old("macaddress", mac),
      ...old("interfacename", name),
    ]);
  });
  const lists: [string, Printable[]][] = [
    ["bind-addresses", interfaces],
    ["egress-subnets", network["egress-subnets"] ?? []],
    ["ingress-addresses", network["ingress-addresses"] ?? []],
  ];
  return new Map(lists.filter(([, list]) => list.length > 0));
}

function unitGet({ run, args }: CommandCall): CommandResult {
  const [setting] = args;
  if (setting === undefined) throw new UsageError("no setting specified");
  if (setting !== "private-address" && setting !== "public-address") {
    throw new UsageError(`unknown setting ${goQuote(setting)}`);
  }
  checkEmpty(args.slice(1));
  const value = setting === "private-address" ? privateAddress(run) : publicAddress(run);
  if (!value) throw new RunError(`${setting.replace("-", " ")} not found`);
  return { value };
}

function privateAddress(run: HookRun): string | undefined {
  const first = networkOf(run.world, run.unit, "")?.["bind-addresses"][0]?.addresses[0];
  return first?.hostname || first?.value || run.world.units[run.unit]?.address;
}

function publicAddress(run: HookRun): string | undefined {
  const unit = run.world.units[run.unit];
  return unit?.publicAddress ?? unit?.address;
}

/** Commands about addresses. */
export const networkCommands: readonly CommandDefinition[] = [
  {
    name: "network-get",
    usage: "<binding-name> [--ingress-address] [--bind-address] [--egress-subnets]",
    purpose: "Get network config.",
    flags: (run) => [
      { names: ["bind-address"], type: "bool", usage: "get the address on which the unit should listen" },
      { names: ["egress-subnets"], type: "bool", usage: "get the egress subnets for the binding" },
      { names: ["ingress-address"], type: "bool", usage: "get the ingress address for the binding" },
      { names: ["primary-address"], type: "bool", usage: "(deprecated) get the primary address for the binding" },
      relationFlag(run),
    ],
    formats: ALL_FORMATS,
    perform: networkGet,
  },
  {
    name: "unit-get",
    usage: "<setting>",
    purpose: "Print public-address or private-address.",
    formats: ALL_FORMATS,
    perform: unitGet,
  },
];
