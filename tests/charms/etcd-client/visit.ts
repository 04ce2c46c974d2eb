/**
 * A visit to a cluster: does it take our certificate, keep what is written, and how many members has it?
 *
 * @module
 */
import { openEtcd } from "../../../interfaces/clients/etcd/client.ts";
import type { TlsOptions } from "../../../interfaces/clients/etcd/pem.ts";
import {
  ClientError,
  ClientTimeoutError,
  NoQuorumError,
  UnhealthyClusterError,
  UnreachableError,
} from "../../../interfaces/clients/errors.ts";
import { ValueError } from "../../../mod.ts";

/** Milliseconds for one request: a hook must not take long. */
const TIMEOUT_MS = 2000;

/** What passes without anybody's doing. */
const PASSING = [ClientTimeoutError, NoQuorumError, UnhealthyClusterError, UnreachableError];

/**
 * Writes a key and reads it again.
 *
 * @param endpoints a connection string
 * @param key a key that nobody else writes
 * @returns number of the cluster's members
 * @throws {ClientError} which says why the cluster cannot be used
 * @throws {ValueError} when another value comes back
 */
export async function visit(endpoints: string, tls: TlsOptions, key: string): Promise<number> {
  using etcd = openEtcd({ endpoints, tls, timeoutMs: TIMEOUT_MS });
  const value = crypto.randomUUID();
  await etcd.kv.put(key, value, { repeatable: true });
  if (await etcd.kv.getText(key) !== value) {
    throw new ValueError(`someone else writes the key ${key}: juju config APPLICATION key=PREFIX`);
  }
  return (await etcd.members.list()).length;
}

/**
 * How a failure shows in the unit's status.
 *
 * @throws the error itself when it is neither etcd's nor its provider's
 */
export function levelOf(error: unknown): ["waiting" | "blocked", string] {
  if (!(error instanceof ClientError || error instanceof ValueError)) throw error;
  return [PASSING.some((kind) => error instanceof kind) ? "waiting" : "blocked", error.message];
}
