/**
 * What etcd's JSON gateway sends and takes: base64, 64-bit numbers as text, left-out zero values.
 *
 * @module
 */
import { InputError, ReplyError } from "../errors.ts";
import { isObject, type JsonObject } from "../http/json.ts";

/** Text is sent as UTF-8. */
export type Bytes = string | Uint8Array;

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** Encodes a key or value for a request. */
export function encode(value: Bytes): string {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return bytes.toBase64();
}

/**
 * Encodes a key; etcd has no empty one.
 *
 * @throws {InputError} for an empty key
 */
export function encodeKey(key: Bytes): string {
  if (key.length === 0) throw new InputError("an etcd key must not be empty");
  return encode(key);
}

/**
 * Text of a key or value.
 *
 * @throws {ReplyError} when it is not UTF-8
 */
export function asText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ReplyError("a key or value in etcd is not UTF-8 text; read it as bytes");
  }
}

/** The range of all keys that begin with a prefix; an empty prefix means every key. */
export function prefixRange(prefix: Bytes): { readonly key: string; readonly range_end: string } {
  const bytes = typeof prefix === "string" ? new TextEncoder().encode(prefix) : prefix;
  if (bytes.length === 0) return { key: encode("\0"), range_end: encode("\0") };
  const end = bytes.findLastIndex((byte) => byte < 0xff);
  // Only bytes 0xff: the range has no upper end.
  if (end < 0) return { key: encode(bytes), range_end: encode("\0") };
  const upper = bytes.slice(0, end + 1);
  upper[end] = (upper[end] ?? 0) + 1;
  return { key: encode(bytes), range_end: encode(upper) };
}

/** A member or lease id as etcdctl shows it. */
export function hexId(id: string): string {
  return BigInt(checkId(id)).toString(16);
}

/**
 * A member or lease id from etcdctl's form to the decimal one of this client.
 *
 * @throws {InputError} when it is not hexadecimal
 */
export function idFromHex(hex: string): string {
  if (!/^[0-9a-f]{1,16}$/i.test(hex)) throw new InputError("an etcd id in hexadecimal has 1 to 16 digits 0-9 a-f");
  return BigInt(`0x${hex}`).toString();
}

/**
 * Checks a member or lease id in decimal.
 *
 * @throws {InputError} when it is none
 */
export function checkId(id: string): string {
  if (!/^\d{1,20}$/.test(id) || BigInt(id) > MAX_UINT64) throw new InputError("an etcd id is a decimal number");
  return id;
}

/** A 64-bit number of a reply: decimal text, absent for 0. */
export function int64(object: JsonObject, name: string): bigint {
  const value = object[name] ?? "0";
  if (typeof value === "string" && /^-?\d{1,19}$/.test(value)) {
    const number = BigInt(value);
    if (number <= MAX_INT64 && number >= -MAX_INT64 - 1n) return number;
  }
  throw damaged(name);
}

/** A count or time of a reply that fits a number. */
export function count(object: JsonObject, name: string): number {
  const value = int64(object, name);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -1n) throw damaged(name);
  return Number(value);
}

/** An id of a reply; `"0"` where there is none. */
export function idOf(object: JsonObject, name: string): string {
  const value = object[name] ?? "0";
  if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) return BigInt.asUintN(64, BigInt(value)).toString();
  throw damaged(name);
}

/** A text of a reply; empty where there is none. */
export function text(object: JsonObject, name: string): string {
  const value = object[name] ?? "";
  if (typeof value === "string") return value;
  throw damaged(name);
}

/** A key or value of a reply; empty where there is none. */
export function bytesOf(object: JsonObject, name: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text(object, name));
  } catch {
    throw damaged(name);
  }
}

/** An object of a reply; empty where there is none. */
export function child(object: JsonObject, name: string): JsonObject {
  const value = object[name] ?? {};
  if (isObject(value)) return value;
  throw damaged(name);
}

/** A list of objects of a reply; empty where there is none. */
export function list(object: JsonObject, name: string): readonly JsonObject[] {
  const value = object[name] ?? [];
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw damaged(name);
}

/** A list of texts of a reply; empty where there is none. */
export function texts(object: JsonObject, name: string): readonly string[] {
  const value = object[name] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw damaged(name);
}

/** The revision of the store at which a reply was made. */
export function revisionOf(reply: JsonObject): bigint {
  return int64(child(reply, "header"), "revision");
}

function damaged(name: string): ReplyError {
  return new ReplyError(`etcd's reply has no usable ${name}; check that the endpoint is an etcd 3 server`);
}
