/**
 * The store in which Patroni's members agree: etcd from a relation, Raft among themselves, or Kubernetes.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { ValueError } from "../../hooks/errors.ts";
import type { TlsTexts } from "../clients/patroni/tls_files.ts";
import { etcdClient } from "../etcd/requires.ts";
import type { Substrate } from "./names.ts";
import type { Options } from "./options.ts";
import { TEXTS } from "./texts.ts";

/** etcd as it was offered. */
export interface EtcdStore {
  readonly kind: "etcd3";
  /** Client URLs with commas between. */
  readonly endpoints: string;
  /** Such as `10.0.0.1:2379`. */
  readonly hosts: readonly string[];
  /** Absent where etcd is reached without TLS. */
  readonly tls?: TlsTexts;
}

/** Which store, or why there is none. */
export type StoreChoice =
  | { readonly kind: "store"; readonly store: EtcdStore | { readonly kind: "raft" | "kubernetes" } }
  | { readonly kind: "failed" | "blocked"; readonly why: string };

/** Chooses the store. */
export async function chooseStore(ctx: Context, substrate: Substrate, options: Options): Promise<StoreChoice> {
  if (substrate === "kubernetes") return { kind: "store", store: { kind: "kubernetes" } };
  const endpoint = ctx.charm.endpoints.find((each) => each.interface === "etcd" && each.role === "requires");
  if (options.dcs === "raft" || !endpoint) return { kind: "store", store: { kind: "raft" } };
  if ((await ctx.relations(endpoint.name)).length === 0) return { kind: "blocked", why: TEXTS.noStore };
  const client = etcdClient(ctx, endpoint.name);
  const endpoints = await client.getConnectionString();
  if (endpoints === null) return { kind: "failed", why: TEXTS.storeIncomplete };
  try {
    const urls = await client.getEndpoints();
    const hosts = urls.map(({ host, hostname, port, protocol }) =>
      port === "" ? `${hostname}:${protocol === "https:" ? 443 : 80}` : host
    );
    if (urls.every(({ protocol }) => protocol === "http:")) {
      return { kind: "store", store: { kind: "etcd3", endpoints, hosts } };
    }
    const { clientCert, clientKey, clientCa } = await client.getClientCredentials();
    if (clientCert === null || clientKey === null || clientCa === null) {
      return { kind: "failed", why: TEXTS.storeIncomplete };
    }
    const tls = { cert: clientCert, key: clientKey, ca: clientCa };
    return { kind: "store", store: { kind: "etcd3", endpoints, hosts, tls } };
  } catch (error) {
    if (error instanceof ValueError) return { kind: "blocked", why: error.message };
    throw error;
  }
}

/**
 * Deletes a member's entry.
 *
 * @param timeoutMs milliseconds
 * @throws {ClientError} when etcd does not do it
 */
export async function deleteMemberKey(
  { endpoints, tls }: EtcdStore,
  scope: string,
  member: string,
  timeoutMs: number,
): Promise<void> {
  const { openEtcd } = await import("../clients/etcd/client.ts");
  using etcd = openEtcd({ endpoints, ...tls ? { tls } : {}, timeoutMs });
  await etcd.kv.delete(`/service/${scope}/members/${member}`, { repeatable: true });
}
