/**
 * Single values of Patroni's replies, checked and bounded.
 *
 * @module
 */
import { ReplyError } from "../errors.ts";
import { isObject, type JsonObject } from "../http/json.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const HOST = /^[A-Za-z0-9._:%-]{1,255}$/;
const MAX_TEXT = 256;

/** Whether a text can be a member's name; ours are unit names with a hyphen, such as `pg-0`. */
export function isMemberName(text: string): boolean {
  return NAME.test(text);
}

/**
 * A member's name of a reply.
 *
 * @throws {ReplyError} when it is none
 */
export function memberName(value: unknown): string {
  if (typeof value === "string" && isMemberName(value)) return value;
  throw new ReplyError(
    "Patroni lists a member whose name is not 1 to 128 letters, digits and ._-; remove that member from the cluster",
  );
}

/** A whole number from 0; undefined for anything else. */
export function wholeNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** A short printable text; undefined for anything else. */
export function shortText(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= MAX_TEXT && /^[\x20-\x7e]+$/.test(value) ? value : undefined;
}

/** A host name or address; undefined for anything else. */
export function host(value: unknown): string | undefined {
  return typeof value === "string" && HOST.test(value) ? value : undefined;
}

/** A TCP port; undefined for anything else. */
export function port(value: unknown): number | undefined {
  const number = wholeNumber(value);
  return number !== undefined && number > 0 && number < 65536 ? number : undefined;
}

/** An http or https address; undefined for anything else. */
export function url(value: unknown): string | undefined {
  const parsed = typeof value === "string" && value.length <= MAX_TEXT ? URL.parse(value) : null;
  return parsed && /^https?:$/.test(parsed.protocol) && parsed.username === "" ? parsed.href : undefined;
}

/**
 * A list of objects; empty when the value is absent.
 *
 * @throws {ReplyError} when it is something else or has more than `limit` entries
 */
export function objects(value: unknown, what: string, limit: number): readonly JsonObject[] {
  const list = value ?? [];
  if (Array.isArray(list) && list.length <= limit && list.every(isObject)) return list;
  throw new ReplyError(`Patroni's reply has no usable ${what}; check that the address is Patroni's REST API`);
}

/** An object with one field, or none when there is no value. */
export function optional<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : { [name]: value } as { readonly [P in K]?: V };
}
