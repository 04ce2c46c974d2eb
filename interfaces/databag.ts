/**
 * Codecs for databag values. What a peer publishes is hostile input: it is parsed and bounded here, at the edge.
 *
 * @module
 */
import { isIP } from "node:net";
import type { BagData } from "../hooks/relation.ts";

/** Longest value that is looked at, in characters: a thousand URLs or a chain of certificates fit well. */
export const MAX_VALUE_LENGTH = 65_536;

/** Longest part of a peer's value that a message repeats, in characters. */
const MAX_QUOTE_LENGTH = 60;

/** A JSON value. Numbers may be infinite or not a number, because Python's JSON has those. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Told why a value was not used. The reason names the key and never repeats the value. */
export type OnReject = (reason: string) => void;

/**
 * A text value; undefined when the key is absent or empty, or the value too long.
 *
 * @param max longest value in characters
 */
export function text(
  data: BagData,
  key: string,
  onReject: OnReject = () => {},
  max: number = MAX_VALUE_LENGTH,
): string | undefined {
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  if (value === undefined || value === "") return undefined;
  if (value.length <= max) return value;
  onReject(`${key} has ${value.length} characters, at most ${max} are read; it counts as not set`);
  return undefined;
}

/** Whether a value says yes, as Python's and JSON's texts of true do. Anything else is no. */
export function isYes(data: BagData, key: string): boolean {
  return /^true$/i.test(text(data, key) ?? "");
}

/**
 * A JSON value as Python's `json.loads` takes it (`NaN` and `Infinity` included); text that is no JSON is itself;
 * null when the key is absent or its value too long.
 */
export function json(data: BagData, key: string, onReject: OnReject = () => {}): JsonValue {
  const value = text(data, key, onReject);
  return value === undefined ? null : decodeJson(value);
}

/** Decodes like {@linkcode json}. */
export function decodeJson(value: string): JsonValue {
  const number = PYTHON_NUMBERS.get(value.trim());
  if (number !== undefined) return number;
  try {
    return JSON.parse(value) as JsonValue;
  } catch {
    return value;
  }
}

const PYTHON_NUMBERS: ReadonlyMap<string, number> = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
]);

/** Encodes byte for byte as Python's `json.dumps` does: ASCII only, blanks after commas. */
export function encodeJson(value: string | boolean | readonly string[]): string {
  if (typeof value === "object") return `[${value.map((each) => encodeJson(each)).join(", ")}]`;
  return JSON.stringify(value)
    .replaceAll(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Whether Python takes a JSON value for true: not null, false, 0, and nothing empty. */
export function isTruthy(value: JsonValue): boolean {
  if (typeof value === "number") return value !== 0;
  if (typeof value !== "object" || value === null) return Boolean(value);
  return (Array.isArray(value) ? value : Object.keys(value)).length > 0;
}

/** A JSON list of texts; undefined when the value is anything else. */
export function textList(data: BagData, key: string, maxItems: number, onReject: OnReject = () => {}):
  | readonly string[]
  | undefined {
  const value = json(data, key, onReject);
  if (value === null) return undefined;
  if (!Array.isArray(value) || !value.every((each): each is string => typeof each === "string")) {
    onReject(`${key} is no JSON list of texts; it counts as not set`);
    return undefined;
  }
  if (value.length <= maxItems) return value;
  onReject(`${key} lists ${value.length} entries, only the first ${maxItems} are read`);
  return value.slice(0, maxItems);
}

/** Whether a text is an IPv4 or IPv6 address, and nothing else: no zone, prefix length or blank. */
export function isIpAddress(value: string): boolean {
  return value.length <= 45 && isIP(value) !== 0 && !value.includes("%");
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Whether a text is an IP address or a host name. */
export function isHost(value: string): boolean {
  return isIpAddress(value) || HOST_NAME.test(value);
}

/** A peer's value for a message: quoted, and cut when it is long. */
export function quote(value: string): string {
  const cut = value.length > MAX_QUOTE_LENGTH ? `${value.slice(0, MAX_QUOTE_LENGTH)}…` : value;
  return JSON.stringify(cut);
}
