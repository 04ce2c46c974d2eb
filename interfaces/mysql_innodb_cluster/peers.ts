/**
 * Interface `mysql-innodb-cluster`: units of a MySQL application that become one cluster.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface } from "../../hooks/definition.ts";
import { HookCommandError } from "../../hooks/errors.ts";
import { done, type Outcome } from "../../hooks/outcome.ts";
import type { BagData } from "../../hooks/relation.ts";
import { encodeJson, isHost, isTruthy, json, type JsonValue, type OnReject } from "../databag.ts";
import { type Endpoint, endpointOf, livingRelations } from "../endpoints.ts";

const NAME = "mysql-innodb-cluster";
/** A cluster has at least this many members, this unit included. */
const MINIMUM_SIZE = 3;
const ADDRESS = "cluster-address";
const USER = "cluster-user";
const PASSWORD = "cluster-password";
const CONFIGURE_READY = "unit-configure-ready";
const CLUSTERED = "unit-clustered";

/**
 * What a peer has sent, decoded from JSON; null where it sent nothing. Peers send text and true, but may send anything:
 * use {@linkcode JoinedUnit.connection} for values of known types.
 */
export interface Received {
  readonly clusterAddress: JsonValue;
  readonly clusterUser: JsonValue;
  readonly clusterPassword: JsonValue;
  readonly unitConfigureReady: JsonValue;
  readonly unitClustered: JsonValue;
}

/** How to connect to a peer's MySQL server. */
export interface Connection {
  readonly address: string;
  readonly user: string;
  readonly password: string;
}

/** A unit that is in the relation now. */
export interface JoinedUnit {
  /** Such as `mysql/1`. */
  readonly unit: string;
  readonly relationId: number;
  readonly received: Received;
  /** Present when address, user and password are there and are text. */
  readonly connection: Connection | undefined;
}

/** The other units of the cluster. */
export class MysqlInnodbCluster {
  readonly #ctx: Context;
  readonly #endpoint: Endpoint;

  constructor(ctx: Context, endpoint: Endpoint) {
    this.#ctx = ctx;
    this.#endpoint = endpoint;
  }

  /**
   * Tells the peers how to connect to this unit. Without a relation it only logs a warning.
   *
   * @param address of this unit; undefined: that of the relation's network
   * @param clusterHost overrides the address: an IP address or host name
   */
  async setClusterConnectionInfo(
    address: string | undefined,
    user: string,
    password: string,
    clusterHost?: string,
  ): Promise<void> {
    this.#ctx.mask(password);
    const host = clusterHost ?? address ?? await this.ingressAddress();
    await this.#publish({ [ADDRESS]: host, [USER]: user, [PASSWORD]: password });
  }

  /** Tells the peers that this unit's MySQL server can be added to a cluster. */
  setUnitConfigureReady(): Promise<void> {
    return this.#publish({ [CONFIGURE_READY]: true });
  }

  /** Tells the peers that this unit is a member of the cluster. */
  setUnitClustered(): Promise<void> {
    return this.#publish({ [CLUSTERED]: true });
  }

  /** The units that are in the relation now, by number, with what they sent. */
  async allJoinedUnits(): Promise<JoinedUnit[]> {
    const relations = await livingRelations(this.#ctx, this.#endpoint);
    const found = await Promise.all(relations.map(async (relation) => {
      const units = await relation.units();
      return units.map(({ name, data }) => this.#joinedUnit(name, relation.id, data));
    }));
    return found.flat();
  }

  /** Enough peers for a cluster have said how to connect to them. */
  async available(): Promise<boolean> {
    return isAvailable(await this.allJoinedUnits());
  }

  /** Enough peers for a cluster have said that they are in it. */
  async clustered(): Promise<boolean> {
    return isClustered(await this.allJoinedUnits());
  }

  /** This unit's address in the relation's network; the unit's private address where the network is not bound. */
  async ingressAddress(): Promise<string> {
    return await addressOf(this.#ctx, this.#endpoint);
  }

  async #publish(values: Readonly<Record<string, string | boolean>>): Promise<void> {
    const [relation] = await livingRelations(this.#ctx, this.#endpoint);
    if (!relation) {
      this.#ctx.log.warning(`${this.#endpoint.name} has no relation, so nothing is published; the unit may be leaving`);
      return;
    }
    relation.local.set(Object.fromEntries(Object.entries(values).map(([key, value]) => [key, encodeJson(value)])));
  }

  #joinedUnit(unit: string, relationId: number, data: BagData): JoinedUnit {
    const received = decode(data, (reason) => this.#ctx.log.warning(`${this.#endpoint.name}: ${unit}: ${reason}`));
    const { clusterAddress: address, clusterUser: user, clusterPassword: password } = received;
    if (typeof password === "string") this.#ctx.mask(password);
    return { unit, relationId, received, connection: connectionOf(address, user, password) };
  }
}

function decode(data: BagData, onReject: OnReject): Received {
  return {
    clusterAddress: json(data, ADDRESS, onReject),
    clusterUser: json(data, USER, onReject),
    clusterPassword: json(data, PASSWORD, onReject),
    unitConfigureReady: json(data, CONFIGURE_READY, onReject),
    unitClustered: json(data, CLUSTERED, onReject),
  };
}

function connectionOf(address: JsonValue, user: JsonValue, password: JsonValue): Connection | undefined {
  if (typeof address !== "string" || typeof user !== "string" || typeof password !== "string") return undefined;
  if (!isHost(address) || user === "" || password === "") return undefined;
  return { address, user, password };
}

function isAvailable(units: readonly JoinedUnit[]): boolean {
  return units.length >= MINIMUM_SIZE - 1 &&
    units.every(({ received }) =>
      isTruthy(received.clusterAddress) && isTruthy(received.clusterUser) && isTruthy(received.clusterPassword)
    );
}

function isClustered(units: readonly JoinedUnit[]): boolean {
  return units.length >= MINIMUM_SIZE - 1 && units.every(({ received }) => isTruthy(received.unitClustered));
}

async function addressOf(ctx: Context, endpoint: Endpoint): Promise<string> {
  try {
    const { bindAddress, ingressAddress } = await ctx.network(endpoint.name);
    const address = bindAddress ?? ingressAddress;
    if (address !== undefined) return address;
  } catch (error) {
    if (!(error instanceof HookCommandError)) throw error;
    ctx.log.debug(`${endpoint.name} has no network of its own: ${error.message}`);
  }
  return await ctx.address("private");
}

/**
 * The other units of the cluster.
 *
 * @param endpoint default: the endpoint whose module runs, else the charm's only one
 * @throws {DefinitionError} when it is not clear which endpoint is meant
 */
export function mysqlInnodbCluster(ctx: Context, endpoint?: string): MysqlInnodbCluster {
  return new MysqlInnodbCluster(ctx, endpointOf(ctx, [NAME], "peers", endpoint));
}

/** The endpoint of the units among each other: the one whose module runs, else the charm's only one. */
export function peersEndpoint(ctx: Context): Endpoint {
  return endpointOf(ctx, [NAME], "peers");
}

/**
 * The flags follow from the databags alone. While there are peers, the unit's address of the relation's network is
 * published, as the original does: its units read it.
 */
async function derive(ctx: Context): Promise<Outcome> {
  const { endpoint } = ctx;
  if (!endpoint) return done;
  const cluster = new MysqlInnodbCluster(ctx, endpoint);
  const units = await cluster.allJoinedUnits();
  ctx.flags.toggle(`${endpoint.name}.connected`, units.length > 0);
  ctx.flags.toggle(`${endpoint.name}.available`, isAvailable(units));
  ctx.flags.toggle(`${endpoint.name}.clustered`, isClustered(units));
  if (units.length > 0) {
    const address = await cluster.ingressAddress();
    const values = { "ingress-address": address, "private-address": address };
    for (const relation of await livingRelations(ctx, endpoint)) relation.local.set(values);
  }
  return done;
}

/** The interface's definition. Peers' databags change between their own hooks, so every hook looks at them. */
export const mysqlInnodbClusterPeers = defineInterface({
  name: NAME,
  role: "peers",
  on: { created: derive, joined: derive, changed: derive, departed: derive, broken: derive },
  lifecycle: {
    install: derive,
    start: derive,
    configChanged: derive,
    upgradeCharm: derive,
    updateStatus: derive,
    leaderElected: derive,
    leaderDeposed: derive,
    leaderSettingsChanged: derive,
    preSeriesUpgrade: derive,
    postSeriesUpgrade: derive,
    storageAttached: derive,
    storageDetaching: derive,
    secretChanged: derive,
    stop: derive,
  },
});
