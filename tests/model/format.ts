/**
 * Output of hook commands: `smart`, `yaml` and `json`. Source: contract section 3.1.
 *
 * @module
 */
import { goYaml, type Printable } from "./commands/go_yaml.ts";

export type { Printable };

/** Output formats. */
export type Format = "smart" | "yaml" | "json";

/**
 * Prints a value.
 *
 * @param value what the command found; null prints nothing except in json
 * @param format the chosen format
 * @param asLines whether `smart` prints a list of strings line by line (a Go `[]string`)
 */
export function formatValue(value: Printable, format: Format, asLines = false): string {
  if (format === "json") return `${goJson(value)}\n`;
  if (value === null) return "";
  if (format === "yaml") return goYaml(value);
  if (typeof value === "boolean") return value ? "True\n" : "False\n";
  if (typeof value === "string") return value === "" ? "" : `${value}\n`;
  if (asLines && Array.isArray(value)) return value.length === 0 ? "" : `${value.join("\n")}\n`;
  return goYaml(value);
}

/**
 * JSON as Go's encoding/json prints it: compact, map keys sorted, HTML characters escaped.
 *
 * @param value any printable value
 */
export function goJson(value: Printable): string {
  if (value instanceof Uint8Array) return goJson(new TextDecoder().decode(value));
  if (Array.isArray(value)) return `[${value.map(goJson).join(",")}]`;
  if (value instanceof Map) return object([...value]);
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value as Record<string, Printable>);
    return object(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }
  const escape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, escape);
}

function object(entries: [string, Printable][]): string {
  return `{${entries.map(([key, value]) => `${goJson(key)}:${goJson(value)}`).join(",")}}`;
}

/**
 * Makes parsed JSON or YAML printable. What neither can hold becomes null, as Go's nil.
 *
 * @param value data such as action parameters
 */
export function toPrintable(value: unknown): Printable {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "boolean" || value instanceof Uint8Array) return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(toPrintable);
  if (typeof value !== "object") return null;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPrintable(item)]));
}
