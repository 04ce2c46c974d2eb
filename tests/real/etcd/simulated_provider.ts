/**
 * An application that provides etcd without running it: a charm of no hooks, whose units publish what a test says.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import type { Model } from "../../model/mod.ts";
import type { Cluster } from "./cluster.ts";
import type { Identity } from "./certificates.ts";

/** What a unit of a provider publishes. */
export type Offer = Readonly<
  Record<"connection_string" | "version" | "client_key" | "client_cert" | "client_ca", string>
>;

/** One application. */
export interface SimulatedProvider {
  /** Id of its relation with the client. */
  readonly relationId: number;
  /** Publishes as one unit and lets everybody react; keys that are left out are taken back. */
  publish(offer: Partial<Offer>, unit?: number): Promise<void>;
}

/** What the provider of a cluster publishes. */
export function offerOf(cluster: Cluster, client: Identity = cluster.client): Offer {
  return {
    connection_string: cluster.connectionString,
    version: "3.4.23",
    client_key: client.key,
    client_cert: client.cert,
    client_ca: cluster.authority.cert,
  };
}

/**
 * Deploys a provider and relates it.
 *
 * @param name of the application
 * @param client `app:endpoint` of who uses it
 */
export async function deployProvider(
  model: Model,
  name: string,
  client: string,
  units = 1,
): Promise<SimulatedProvider> {
  const charm = await Deno.makeTempDir({ dir: model.root, prefix: "provider-" });
  const metadata = { name, summary: "etcd, as it seems", description: "", provides: { db: { interface: "etcd" } } };
  await Deno.writeTextFile(join(charm, "metadata.yaml"), JSON.stringify(metadata));
  await model.deploy({ name, charm, units });
  const relationId = model.relate(client, `${name}:db`);
  await model.settle();
  return {
    relationId,
    async publish(offer, unit = 0) {
      const empty = { connection_string: "", version: "", client_key: "", client_cert: "", client_ca: "" };
      const file = await Deno.makeTempFile({ dir: charm });
      await Deno.writeTextFile(file, JSON.stringify({ ...empty, ...offer }));
      const script = `relation-set -r db:${relationId} --file ${file}`;
      const { code, stderr } = await model.exec(`${name}/${unit}`, script, { relation: relationId });
      assertEquals([code, stderr], [0, ""]);
      await Deno.remove(file);
      await model.settle();
    },
  };
}
