/**
 * Leases: keys that end when nobody keeps them alive.
 *
 * @module
 */
import { MissingError } from "../errors.ts";
import { isObject, type JsonObject } from "../http/json.ts";
import { refusalIn } from "./answer.ts";
import type { Connection } from "./connection.ts";
import { bytesOf, checkId, child, count, idOf } from "./values.ts";

/** A lease that was granted. */
export interface Lease {
  /** Decimal id. */
  readonly id: string;
  /** Seconds that it lives without being kept alive. */
  readonly ttlSeconds: number;
}

/** How a lease stands. */
export interface LeaseState extends Lease {
  readonly remainingSeconds: number;
  /** Keys that live on it. */
  readonly keys: readonly Uint8Array<ArrayBuffer>[];
}

/** Leases of a cluster. */
export interface Leases {
  /** @param ttlSeconds whole seconds; etcd makes short ones longer */
  grant(ttlSeconds: number): Promise<Lease>;
  /**
   * Makes the lease live for its full time again.
   *
   * @returns seconds that it lives now
   * @throws {MissingError} when it has ended
   */
  keepAlive(id: string): Promise<number>;
  /** @throws {MissingError} when it has ended */
  timeToLive(id: string): Promise<LeaseState>;
  /** Ends the lease and its keys. @returns false when it had ended already */
  revoke(id: string): Promise<boolean>;
}

/** Leases over a connection. All requests may be repeated: a lease granted twice ends by itself. */
export function createLeases(connection: Connection): Leases {
  const call = (path: string, body: JsonObject): Promise<JsonObject> =>
    connection.call(`/v3/lease/${path}`, body, { repeatable: true });
  const ended = (id: string): MissingError => new MissingError(`the lease ${id} has ended; grant another`);

  return {
    async grant(ttlSeconds) {
      const reply = await call("grant", { TTL: `${Math.trunc(ttlSeconds)}` });
      return { id: idOf(reply, "ID"), ttlSeconds: count(reply, "TTL") };
    },
    async keepAlive(id) {
      const reply = await call("keepalive", { ID: checkId(id) });
      // The gateway answers as for a stream: the status is 200 before the server has decided.
      if (isObject(reply.error)) {
        throw refusalIn(reply.error, connection.secrets()).error;
      }
      const seconds = count(child(reply, "result"), "TTL");
      if (seconds <= 0) throw ended(id);
      return seconds;
    },
    async timeToLive(id) {
      const reply = await call("timetolive", { ID: checkId(id), keys: true });
      const remainingSeconds = count(reply, "TTL");
      if (remainingSeconds < 0) throw ended(id);
      const keys = Array.isArray(reply.keys) ? reply.keys.map((key) => bytesOf({ key }, "key")) : [];
      return { id: idOf(reply, "ID"), ttlSeconds: count(reply, "grantedTTL"), remainingSeconds, keys };
    },
    async revoke(id) {
      try {
        await call("revoke", { ID: checkId(id) });
        return true;
      } catch (error) {
        if (error instanceof MissingError) return false;
        throw error;
      }
    },
  };
}
