/**
 * Checks of what the agent answered: replies are parsed into types at the edge.
 *
 * @module
 */
import { AgentError } from "../errors.ts";

function unexpected(command: string, expected: string): AgentError {
  return new AgentError(`${command} did not answer with ${expected}; Juju will retry the hook`);
}

/** Whether a parsed JSON value is an object with keys. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws {AgentError} when the value is not an object; null counts as an empty one. */
export function asRecord(command: string, value: unknown): Record<string, unknown> {
  if (value === null) return {};
  if (!isRecord(value)) throw unexpected(command, "a map");
  return value;
}

/** @throws {AgentError} when the value is not a map of strings; null counts as an empty one. */
export function asStringMap(command: string, value: unknown): Record<string, string> {
  const record = asRecord(command, value);
  for (const entry of Object.values(record)) {
    if (typeof entry !== "string") throw unexpected(command, "a map of strings");
  }
  return record as Record<string, string>;
}

/** @throws {AgentError} when the value is not a list of strings; null counts as an empty one. */
export function asStrings(command: string, value: unknown): string[] {
  if (value === null) return [];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string")) {
    throw unexpected(command, "a list of strings");
  }
  return value;
}

/** @throws {AgentError} when the value is not a string; null counts as `""`. */
export function asString(command: string, value: unknown): string {
  if (value === null) return "";
  if (typeof value !== "string") throw unexpected(command, "a string");
  return value;
}

/** @throws {AgentError} when the value is not true or false. */
export function asBoolean(command: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw unexpected(command, "true or false");
  return value;
}
