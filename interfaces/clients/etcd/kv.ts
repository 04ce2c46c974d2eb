/**
 * Keys and values.
 *
 * @module
 */
import type { JsonObject } from "../http/json.ts";
import type { Connection } from "./connection.ts";
import {
  asText,
  type Bytes,
  bytesOf,
  checkId,
  count,
  encode,
  encodeKey,
  idOf,
  int64,
  list,
  prefixRange,
  revisionOf,
} from "./values.ts";

/** A key with its value. */
export interface KeyValue {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly value: Uint8Array<ArrayBuffer>;
  /** The store's revision when the key was created. */
  readonly createRevision: bigint;
  /** The store's revision when the key was last written. */
  readonly modRevision: bigint;
  /** How often the key was written since it was created. */
  readonly version: bigint;
  /** Id of the lease that the key lives on; `"0"` for none. */
  readonly lease: string;
}

/** How a read may be answered. */
export interface ReadOptions {
  /** Whether a member may answer on its own, even without quorum and perhaps with old data. */
  readonly serializable?: boolean;
}

/** Which keys are listed. */
export interface ListOptions extends ReadOptions {
  /** Keys at most; all without it. */
  readonly limit?: number;
  /** Keys of one request; 500 without it. */
  readonly pageSize?: number;
  /** Whether values are left out. */
  readonly keysOnly?: boolean;
}

/** How a write may be treated. */
export interface WriteOptions {
  /**
   * Whether it may be sent twice when its outcome is unknown. Without it such a write fails with `outcomeUnknown`:
   * a second put or delete could undo what someone else wrote in between.
   */
  readonly repeatable?: boolean;
}

/** How a value is written. */
export interface PutOptions extends WriteOptions {
  /** Id of the lease with which the key shall end. */
  readonly lease?: string;
}

/** Keys and values of a cluster. */
export interface Kv {
  get(key: Bytes, options?: ReadOptions): Promise<KeyValue | undefined>;
  /** The value as text; undefined when there is no such key. */
  getText(key: Bytes, options?: ReadOptions): Promise<string | undefined>;
  /** All keys that begin with a prefix, in order, all as of one revision; read in pages. */
  list(prefix: Bytes, options?: ListOptions): AsyncGenerator<KeyValue>;
  /** Number of keys that begin with a prefix. */
  count(prefix: Bytes, options?: ReadOptions): Promise<number>;
  /** @returns the store's revision of the write */
  put(key: Bytes, value: Bytes, options?: PutOptions): Promise<bigint>;
  /** @returns whether the key was there */
  delete(key: Bytes, options?: WriteOptions): Promise<boolean>;
  /** @returns number of keys deleted */
  deletePrefix(prefix: Bytes, options?: WriteOptions): Promise<number>;
}

const RANGE = "/v3/kv/range";
const PAGE_SIZE = 500;

/** Keys and values over a connection. */
export function createKv(connection: Connection): Kv {
  const range = (body: JsonObject, { serializable = false }: ReadOptions): Promise<JsonObject> =>
    connection.call(RANGE, { ...body, serializable }, { repeatable: true });
  const deleteRange = async (body: JsonObject, { repeatable = false }: WriteOptions): Promise<number> =>
    count(await connection.call("/v3/kv/deleterange", body, { repeatable }), "deleted");

  const get = async (key: Bytes, options: ReadOptions = {}): Promise<KeyValue | undefined> => {
    const [found] = list(await range({ key: encodeKey(key) }, options), "kvs");
    return found && readKeyValue(found);
  };

  return {
    get,
    async getText(key, options) {
      const found = await get(key, options);
      return found && asText(found.value);
    },
    async *list(prefix, options = {}) {
      const { limit = Infinity, pageSize = PAGE_SIZE, keysOnly = false } = options;
      let { key, range_end } = prefixRange(prefix);
      let revision = 0n;
      for (let left = limit; left > 0;) {
        const page = Math.min(pageSize, left);
        const body = { key, range_end, limit: `${page}`, keys_only: keysOnly, revision: `${revision}` };
        const reply = await range(body, options);
        if (revision === 0n) revision = revisionOf(reply);
        const found = list(reply, "kvs").map(readKeyValue);
        yield* found;
        const last = found.at(-1);
        if (!last || reply.more !== true) return;
        left -= found.length;
        key = encode(Uint8Array.of(...last.key, 0));
      }
    },
    async count(prefix, options = {}) {
      return count(await range({ ...prefixRange(prefix), count_only: true }, options), "count");
    },
    async put(key, value, options = {}) {
      const reply = await connection.call("/v3/kv/put", putBody(key, value, options.lease), {
        repeatable: options.repeatable ?? false,
      });
      return revisionOf(reply);
    },
    async delete(key, options = {}) {
      return await deleteRange({ key: encodeKey(key) }, options) > 0;
    },
    deletePrefix: (prefix, options = {}) => deleteRange(prefixRange(prefix), options),
  };
}

/** The body of a put, also inside a transaction. */
export function putBody(key: Bytes, value: Bytes, lease: string | undefined): JsonObject {
  return { key: encodeKey(key), value: encode(value), ...(lease === undefined ? {} : { lease: checkId(lease) }) };
}

/** Reads a key and value of a reply. */
export function readKeyValue(object: JsonObject): KeyValue {
  return {
    key: bytesOf(object, "key"),
    value: bytesOf(object, "value"),
    createRevision: int64(object, "create_revision"),
    modRevision: int64(object, "mod_revision"),
    version: int64(object, "version"),
    lease: idOf(object, "lease"),
  };
}
