/**
 * Interface `etcd`, the side of the charm that uses the key-value store.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface, type RelationHandler } from "../../hooks/definition.ts";
import { done } from "../../hooks/outcome.ts";
import { type Endpoint, endpointOf, livingRelations } from "../endpoints.ts";
import { type CredentialFiles, saveCredentials } from "./credentials.ts";
import { chooseOffer, NO_OFFER, type Offer, readOffer } from "./offer.ts";
import { parseConnectionString } from "./connection_string.ts";

/** The client's identity and the authority that signed the servers' certificates, as PEM text; null when not sent. */
export interface ClientCredentials {
  readonly clientCert: string | null;
  readonly clientKey: string | null;
  readonly clientCa: string | null;
}

/** What etcd has sent. All values are those of one remote unit, so that a key never meets another unit's certificate. */
export class EtcdClient {
  readonly #ctx: Context;
  readonly #endpoint: Endpoint;

  constructor(ctx: Context, endpoint: Endpoint) {
    this.#ctx = ctx;
    this.#endpoint = endpoint;
  }

  /** Client URLs of the members, separated by commas, as sent; null when not sent. */
  async getConnectionString(): Promise<string | null> {
    return (await this.#offer()).connectionString ?? null;
  }

  /** The older name of {@linkcode getConnectionString}. */
  connectionString(): Promise<string | null> {
    return this.getConnectionString();
  }

  /**
   * Client URLs of the members, checked.
   *
   * @throws {ValueError} when a URL does not parse, has no port, user information, or a scheme other than http and https
   */
  async getEndpoints(): Promise<readonly URL[]> {
    return parseConnectionString(await this.getConnectionString() ?? "");
  }

  /** Version of the server, such as `3.4.23`; null when not sent, which old providers mean as etcd 2. */
  async getVersion(): Promise<string | null> {
    return (await this.#offer()).version ?? null;
  }

  /** The credentials, each null when not sent. */
  async getClientCredentials(): Promise<ClientCredentials> {
    const { clientCert = null, clientKey = null, clientCa = null } = await this.#offer();
    if (clientKey !== null) this.#ctx.mask(clientKey);
    return { clientCert, clientKey, clientCa };
  }

  /**
   * Saves the credentials in files that only the owner can read, each replaced atomically; directories are made.
   * Nothing is written unless all three are there, parse, belong together and are valid now. The handler that calls this
   * needs `read` and `write`.
   *
   * @param key path of the file for the private key
   * @param cert path of the file for the client certificate
   * @param ca path of the file for the authority's certificates
   * @returns whether a file changed
   * @throws {ValueError} that says what is missing or wrong; then no file was touched
   */
  async saveClientCredentials(key: string, cert: string, ca: string): Promise<boolean> {
    const files: CredentialFiles = { key, cert, ca };
    return await saveCredentials(await this.getClientCredentials(), files, this.#ctx.now());
  }

  async #offer(): Promise<Offer> {
    return chooseOffer(await offers(this.#ctx, this.#endpoint)) ?? NO_OFFER;
  }
}

/**
 * What etcd has sent.
 *
 * @param endpoint default: the endpoint whose module runs, else the charm's only one
 * @throws {DefinitionError} when it is not clear which endpoint is meant
 */
export function etcdClient(ctx: Context, endpoint?: string): EtcdClient {
  return new EtcdClient(ctx, endpointOf(ctx, ["etcd"], "requires", endpoint));
}

async function offers(ctx: Context, endpoint: Endpoint): Promise<Offer[]> {
  const relations = await livingRelations(ctx, endpoint);
  const units = (await Promise.all(relations.map((relation) => relation.units()))).flat();
  return units.map(({ name, data }) =>
    readOffer(data, (reason) => ctx.log.warning(`${endpoint.name}: ${name}: ${reason}`))
  );
}

/** The flags follow from the databags alone, over all relations of the endpoint. */
async function derive(ctx: Context, endpoint: Endpoint): Promise<void> {
  const all = await offers(ctx, endpoint);
  const offer = chooseOffer(all);
  const isAvailable = offer?.connectionString !== undefined;
  ctx.flags.toggle(`${endpoint.name}.connected`, all.length > 0);
  ctx.flags.toggle(`${endpoint.name}.available`, isAvailable);
  ctx.flags.toggle(`${endpoint.name}.tls.available`, isAvailable && offer.isComplete);
}

const onRelation: RelationHandler = async (ctx) => {
  await derive(ctx, ctx.event.endpoint);
  return done;
};

/** The interface's definition. */
export const etcdRequires = defineInterface({
  name: "etcd",
  role: "requires",
  on: { joined: onRelation, changed: onRelation, departed: onRelation, broken: onRelation },
  lifecycle: {
    async upgradeCharm(ctx) {
      if (ctx.endpoint) await derive(ctx, ctx.endpoint);
      return done;
    },
  },
});
