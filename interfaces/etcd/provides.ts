/**
 * Interface `etcd`, the side of the charm that runs the key-value store.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface, type RelationHandler } from "../../hooks/definition.ts";
import { done } from "../../hooks/outcome.ts";
import { type Endpoint, endpointOf, livingRelations } from "../endpoints.ts";

/** Publishes to all clients: every relation of the endpoint gets the same. */
export class EtcdProvider {
  readonly #ctx: Context;
  readonly #endpoint: Endpoint;

  constructor(ctx: Context, endpoint: Endpoint) {
    this.#ctx = ctx;
    this.#endpoint = endpoint;
  }

  /**
   * Publishes how clients reach the cluster.
   *
   * @param value client URLs, separated by commas; `""` takes it back
   * @param version of the server, such as `3.4.23`; without it none is published, which clients read as etcd 2
   */
  async setConnectionString(value: string, version = ""): Promise<void> {
    await this.#publish({ connection_string: value, version });
  }

  /**
   * Publishes the identity with which clients connect, as PEM text. An empty or missing one is taken back.
   * The key stands in the databag in clear: that is the interface's contract.
   */
  async setClientCredentials(key: string | null, cert: string | null, ca: string | null): Promise<void> {
    if (key !== null) this.#ctx.mask(key);
    await this.#publish({ client_key: key, client_cert: cert, client_ca: ca });
  }

  async #publish(values: Readonly<Record<string, string | null>>): Promise<void> {
    for (const relation of await livingRelations(this.#ctx, this.#endpoint)) relation.local.set(values);
  }
}

/**
 * Publishes to the clients of an endpoint.
 *
 * @param endpoint default: the endpoint whose module runs, else the charm's only one
 * @throws {DefinitionError} when it is not clear which endpoint is meant
 */
export function etcdProvider(ctx: Context, endpoint?: string): EtcdProvider {
  return new EtcdProvider(ctx, endpointOf(ctx, ["etcd"], "provides", endpoint));
}

/** Connected while any relation of the endpoint has a unit. */
async function derive(ctx: Context, endpoint: Endpoint): Promise<void> {
  const relations = await livingRelations(ctx, endpoint);
  const units = await Promise.all(relations.map((relation) => relation.unitNames()));
  ctx.flags.toggle(`${endpoint.name}.connected`, units.some((names) => names.length > 0));
}

const onRelation: RelationHandler = async (ctx) => {
  await derive(ctx, ctx.event.endpoint);
  return done;
};

/** The interface's definition. */
export const etcdProvides = defineInterface({
  name: "etcd",
  role: "provides",
  on: { joined: onRelation, changed: onRelation, departed: onRelation, broken: onRelation },
  lifecycle: {
    async upgradeCharm(ctx) {
      if (ctx.endpoint) await derive(ctx, ctx.endpoint);
      return done;
    },
  },
});
