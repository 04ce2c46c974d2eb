/**
 * Interface `magpie` (and `magpie2`): units that test the network between each other.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface } from "../../hooks/definition.ts";
import type { BagData } from "../../hooks/relation.ts";
import { encodeJson, isIpAddress, isYes, quote, text, textList } from "../databag.ts";
import { type Endpoint, endpointOf, livingRelations } from "../endpoints.ts";
import { dismiss, type Member, readBags, readRoster, type RosterFlags, rosterHandlers } from "../roster.ts";
import { type Cidr, compareAddresses, parseCidr } from "./cidr.ts";

const FLAGS: RosterFlags = { joined: "joined", departed: "departed" };
const ADDRESSES = "iperf_addresses";
const CHECKED = "iperf.checked";
const SERVER = "iperf.server";
const SERVER_CHECKED = "iperf.server.checked";
/** How Python writes true: what the original publishes and reads. */
const YES = "True";
/** Most advertised addresses of one peer that are looked at. */
const MAX_ADDRESSES = 1_000;

/** A peer, and how to reach it. */
export interface Node {
  /** Such as `magpie/1`. */
  readonly unit: string;
  /** An IP address; undefined when the peer published none that can be used. */
  readonly address: string | undefined;
  /** Why there is no address. */
  readonly problem: string | undefined;
}

/** An address of a network interface of this machine. */
export type HostAddress = Pick<Deno.NetworkInterfaceInfo, "address">;

/** The other units of the application. */
export class MagpiePeers {
  readonly #ctx: Context;
  readonly #endpoint: Endpoint;
  readonly #warn: (reason: string) => void;

  /**
   * @param warn told what a peer publishes that cannot be used; the log unless given
   */
  constructor(
    ctx: Context,
    endpoint: Endpoint,
    warn: (reason: string) => void = (reason) => ctx.log.warning(`${endpoint.name}: ${reason}`),
  ) {
    this.#ctx = ctx;
    this.#endpoint = endpoint;
    this.#warn = warn;
  }

  /**
   * All units that are in the relation now, by number, whether or not they were dismissed.
   *
   * @param cidr prefer an advertised address in this network; `""` means none
   * @throws {ValueError} when the network cannot be read
   */
  async getNodes(cidr = ""): Promise<Node[]> {
    return this.#nodes(await this.#present(), cidr);
  }

  /**
   * The units that departed and were not dismissed, in the order in which they went.
   *
   * @param cidr as in {@linkcode getNodes}
   * @throws {ValueError} when the network cannot be read
   */
  async getDepartedNodes(cidr = ""): Promise<Node[]> {
    return this.#nodes(await this.#departed(), cidr);
  }

  /** Clears `{endpoint}.joined`: the peers that joined so far are dealt with. */
  dismissJoined(): void {
    dismiss(this.#ctx, this.#endpoint, FLAGS, "joined");
  }

  /** Clears `{endpoint}.departed`: the peers that departed so far are dealt with. Works in any hook. */
  dismissDeparted(): void {
    dismiss(this.#ctx, this.#endpoint, FLAGS, "departed");
  }

  /**
   * Publishes the addresses under which peers may reach this unit: those of all interfaces but loopback and link-local
   * ones, IPv4 before IPv6, in order, each once.
   *
   * @param addresses default: those of this machine, for which the handler needs `sys`
   */
  async advertiseAddresses(addresses: readonly HostAddress[] = Deno.networkInterfaces()): Promise<void> {
    const usable = addresses.map(({ address }) => address).filter(isReachable);
    await this.#publish({ [ADDRESSES]: encodeJson([...new Set(usable)].sort(compareAddresses)) });
  }

  /** Publishes that this unit's iperf server listens. */
  setIperfServerReady(): Promise<void> {
    return this.#publish({ [SERVER]: YES });
  }

  /** Takes back that this unit's iperf server listens. */
  clearIperfServer(): Promise<void> {
    return this.#publish({ [SERVER]: "" });
  }

  /** Publishes that this unit's iperf server has been checked. */
  setIperfServerChecked(): Promise<void> {
    return this.#publish({ [SERVER_CHECKED]: YES });
  }

  /** Publishes the names of the present peers as those that this unit has checked. */
  async setIperfChecked(): Promise<void> {
    const units = (await this.#present()).map(([{ unit }]) => unit);
    await this.#publish({ [CHECKED]: encodeJson(units) });
  }

  /** What each present peer published about its own checks, as sent; null where it published nothing. */
  async getIperfChecked(): Promise<(string | null)[]> {
    return checked(await this.#present());
  }

  /** As {@linkcode getIperfChecked}, of the units that departed. */
  async getDepartedIperfChecked(): Promise<(string | null)[]> {
    return checked(await this.#departed());
  }

  /**
   * The present peers whose iperf server listens.
   *
   * @param cidr as in {@linkcode getNodes}
   * @throws {ValueError} when the network cannot be read
   */
  async checkReadyIperfServers(cidr = ""): Promise<Node[]> {
    return this.#nodes((await this.#present()).filter(hasServer), cidr);
  }

  /** As {@linkcode checkReadyIperfServers}, of the units that departed. */
  async checkDepartedIperfServers(): Promise<Node[]> {
    return this.#nodes((await this.#departed()).filter(hasServer), "");
  }

  async #present(): Promise<Bags> {
    const relations = await livingRelations(this.#ctx, this.#endpoint);
    const found = await Promise.all(relations.map(async (relation) => {
      const units = await relation.units();
      return units.map(({ name, data }) => [{ relationId: relation.id, unit: name }, data] as const);
    }));
    return found.flat();
  }

  #departed(): Promise<Bags> {
    return readBags(this.#ctx, this.#endpoint, readRoster(this.#ctx, this.#endpoint).departed);
  }

  #nodes(bags: Bags, cidr: string): Node[] {
    const network = cidr === "" ? undefined : parseCidr(cidr);
    const key = this.#endpoint.interface === "magpie2" ? "ingress-address" : "private-address";
    return bags.map(([{ unit }, data = {}]) => {
      return { unit, ...addressOf(data, key, network, (reason) => this.#warn(`${unit}: ${reason}`)) };
    });
  }

  async #publish(values: Readonly<Record<string, string>>): Promise<void> {
    for (const relation of await livingRelations(this.#ctx, this.#endpoint)) relation.local.set(values);
  }
}

/** Units with their databags, where those can be read. */
type Bags = readonly (readonly [Member, BagData | undefined])[];

function addressOf(
  data: BagData,
  key: string,
  network: Cidr | undefined,
  warn: (reason: string) => void,
): Omit<Node, "unit"> {
  if (network) {
    const advertised = textList(data, ADDRESSES, MAX_ADDRESSES, warn) ?? [];
    const address = advertised.find((each) => network.contains(each));
    if (address !== undefined) return { address, problem: undefined };
  }
  const address = text(data, key, warn);
  if (address === undefined) return { address, problem: `publishes no ${key}` };
  if (isIpAddress(address)) return { address, problem: undefined };
  return { address: undefined, problem: `publishes the ${key} ${quote(address)}, which is no IP address` };
}

function checked(bags: Bags): (string | null)[] {
  return bags.map(([, data = {}]) => text(data, CHECKED) ?? null);
}

function hasServer([, data = {}]: Bags[number]): boolean {
  return isYes(data, SERVER);
}

/** Neither loopback nor link-local: another unit can use it. */
function isReachable(address: string): boolean {
  return isIpAddress(address) && !UNREACHABLE.some((cidr) => parseCidr(cidr).contains(address));
}

const UNREACHABLE = ["127.0.0.0/8", "169.254.0.0/16", "::1", "fe80::/10"];

/**
 * The other units of the application.
 *
 * @param endpoint default: the endpoint whose module runs, else the charm's only one
 * @throws {DefinitionError} when it is not clear which endpoint is meant
 */
export function magpiePeers(ctx: Context, endpoint?: string): MagpiePeers {
  return new MagpiePeers(ctx, endpointOf(ctx, ["magpie", "magpie2"], "peers", endpoint));
}

/** The interface's definition. */
export const magpie = defineInterface({
  name: "magpie",
  aliases: ["magpie2"],
  role: "peers",
  ...rosterHandlers(FLAGS),
});
