/**
 * Interface `etcd` among the units of the charm that runs it.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface } from "../../hooks/definition.ts";
import { ValueError } from "../../hooks/errors.ts";
import { isHost, quote, text } from "../databag.ts";
import { type Endpoint, endpointOf, livingRelations } from "../endpoints.ts";
import { dismiss, type Member, readBags, readRoster, type RosterFlags, rosterHandlers } from "../roster.ts";

const FLAGS: RosterFlags = { joined: "joined", departed: "departing" };
const ADDRESS = "db-ingress-address";

/** The other units of the cluster. */
export class EtcdPeers {
  readonly #ctx: Context;
  readonly #endpoint: Endpoint;

  constructor(ctx: Context, endpoint: Endpoint) {
    this.#ctx = ctx;
    this.#endpoint = endpoint;
  }

  /** Names of the units that have joined, in the order in which they did. */
  getPeers(): string[] {
    return this.#joined().map(({ unit }) => unit);
  }

  /** Names of the units that are leaving or have left, until they are dismissed. */
  getDeparting(): string[] {
    return this.#departing().map(({ unit }) => unit);
  }

  /**
   * Publishes the own address on the endpoint for clients, for the peers' connection strings and certificates.
   *
   * @throws {ValueError} when it is neither an IP address nor a host name
   */
  async setDbIngressAddress(address: string): Promise<void> {
    if (!isHost(address)) throw new ValueError(`${quote(address)} is neither an IP address nor a host name`);
    for (const relation of await livingRelations(this.#ctx, this.#endpoint)) relation.local.set({ [ADDRESS]: address });
  }

  /** The addresses that the peers published, in the order of {@linkcode getPeers}; the own one is not among them. */
  getDbIngressAddresses(): Promise<string[]> {
    return this.#addresses(this.#joined());
  }

  /** The addresses that departing units published, as long as the relation lives. */
  getDepartingDbIngressAddresses(): Promise<string[]> {
    return this.#addresses(this.#departing());
  }

  /** Forgets the departing units: their departure is dealt with. Works in any hook. */
  dismiss(): void {
    dismiss(this.#ctx, this.#endpoint, FLAGS, "departed");
  }

  #joined(): readonly Member[] {
    return readRoster(this.#ctx, this.#endpoint).joined;
  }

  #departing(): readonly Member[] {
    return readRoster(this.#ctx, this.#endpoint).departed;
  }

  async #addresses(members: readonly Member[]): Promise<string[]> {
    const bags = await readBags(this.#ctx, this.#endpoint, members);
    return bags.flatMap(([{ unit }, data = {}]) => {
      const warn = (reason: string) => this.#ctx.log.warning(`${this.#endpoint.name}: ${unit}: ${reason}`);
      const address = text(data, ADDRESS, warn);
      if (address === undefined || isHost(address)) return address === undefined ? [] : [address];
      warn(`${ADDRESS} ${quote(address)} is neither an IP address nor a host name; it is left out`);
      return [];
    });
  }
}

/**
 * The other units of the cluster.
 *
 * @param endpoint default: the endpoint whose module runs, else the charm's only one
 * @throws {DefinitionError} when it is not clear which endpoint is meant
 */
export function etcdPeers(ctx: Context, endpoint?: string): EtcdPeers {
  return new EtcdPeers(ctx, endpointOf(ctx, ["etcd"], "peers", endpoint));
}

/** The interface's definition. */
export const etcdPeersInterface = defineInterface({
  name: "etcd",
  role: "peers",
  ...rosterHandlers(FLAGS),
});
