/**
 * Parsed JSON of a server that has not been looked at yet.
 *
 * @module
 */

/** A JSON object of a reply, not yet looked at. */
export type JsonObject = { readonly [name: string]: unknown };

/** Whether a value of parsed JSON is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
