/**
 * A client of etcd 3.4 and later over its JSON gateway.
 *
 * @module
 */
import { createHttpClient } from "../http/http_client.ts";
import { createConnection } from "./connection.ts";
import { parseEndpoints } from "./endpoints.ts";
import { createKv, type Kv } from "./kv.ts";
import { createLeases, type Leases } from "./leases.ts";
import { createMaintenance, type Maintenance } from "./maintenance.ts";
import { createMembers, type Members } from "./members.ts";
import type { TlsOptions } from "./pem.ts";
import type { UserAndPassword } from "./tokens.ts";
import { runTransaction, type Transaction, type TransactionResult } from "./transaction.ts";
import type { Bytes } from "./values.ts";
import { watch, type WatchEvent, type WatchOptions } from "./watch.ts";

/** How to reach a cluster. */
export interface EtcdOptions {
  /** A connection string, or its parts. They are tried in turn, never two at a time for a write. */
  readonly endpoints: string | readonly string[];
  /** Certificates for https. */
  readonly tls?: TlsOptions;
  /** A user of the cluster, where authentication is on. */
  readonly auth?: UserAndPassword;
  /** Milliseconds that a request may take, all tries together; 3000 without it. */
  readonly timeoutMs?: number;
  /** Bytes of the largest reply that is read; 16 MiB without it. */
  readonly maxReplyBytes?: number;
}

/** An open client: `using etcd = openEtcd({ … })`. */
export interface Etcd extends Disposable {
  readonly endpoints: readonly string[];
  readonly kv: Kv;
  readonly leases: Leases;
  readonly members: Members;
  readonly maintenance: Maintenance;
  /** Compares and acts at once. */
  transaction(transaction: Transaction): Promise<TransactionResult>;
  /** Changes of a key, or of all keys with a prefix, until the loop ends or the signal aborts. */
  watch(key: Bytes, options?: WatchOptions): AsyncGenerator<WatchEvent>;
  /** Closes its connections. */
  close(): void;
}

const TIMEOUT_MS = 3000;
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/**
 * Opens a client; nothing is sent before the first request. Needs the `net` permission for the endpoints.
 *
 * @throws {InputError} when endpoints or certificates cannot be used
 */
export function openEtcd(options: EtcdOptions): Etcd {
  const { tls = {}, auth, timeoutMs = TIMEOUT_MS, maxReplyBytes = MAX_REPLY_BYTES } = options;
  const given = typeof options.endpoints === "string" ? options.endpoints : options.endpoints.join(",");
  const endpoints = parseEndpoints(given);
  const http = createHttpClient(tls);
  const connection = createConnection({ endpoints, http, tls, auth, timeoutMs, maxReplyBytes });
  let open = true;
  const close = (): void => {
    if (open) connection.close();
    open = false;
  };
  return {
    endpoints,
    kv: createKv(connection),
    leases: createLeases(connection),
    members: createMembers(connection),
    maintenance: createMaintenance(connection),
    transaction: (transaction) => runTransaction(connection, transaction),
    watch: (key, watchOptions) => watch(connection, key, watchOptions),
    close,
    [Symbol.dispose]: close,
  };
}
