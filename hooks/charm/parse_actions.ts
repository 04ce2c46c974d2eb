/**
 * Actions of actions.yaml.
 *
 * @module
 */
import type { ActionSpec } from "./metadata.ts";
import { isValidName } from "./names.ts";
import { isMap, type KeyPath, type YamlFile } from "./yaml_file.ts";

/**
 * Parses the actions of a charm. Source: juju internal/charm actions.go, ReadActionsYaml.
 *
 * @param path where the actions stand: at the top of the file, or under a key
 * @throws {CharmFileError} the first thing that is wrong
 */
export function parseActions(file: YamlFile, path: readonly [string?]): Record<string, ActionSpec> {
  const [key] = path;
  const keys = key === undefined ? [] : [key];
  const entries: readonly [string, unknown][] = key === undefined
    ? file.keys().map((name) => [name, file.value(name)])
    : file.entries(keys, file.value(key));
  return Object.fromEntries(entries.map(([name, value]) => [name, parseAction(file, [...keys, name], name, value)]));
}

function parseAction(file: YamlFile, path: KeyPath, name: string, value: unknown): ActionSpec {
  if (!isValidName("action", name)) {
    throw file.error(
      path,
      `${JSON.stringify(name)} is no action name; use lower-case letters, digits and inner hyphens`,
    );
  }
  const fields = Object.fromEntries(file.entries(path, value));
  const description = fields.description ?? "";
  if (typeof description !== "string") {
    throw file.error([...path, "description"], `description of action ${name} must be text; put it in quotes`);
  }
  return {
    name,
    description,
    params: parseParams(file, [...path, "params"], name, fields.params),
    required: parseRequired(file, [...path, "required"], name, fields.required),
    additionalProperties: parseAdditional(file, [...path, "additionalProperties"], name, fields.additionalProperties),
  };
}

function parseParams(file: YamlFile, path: KeyPath, action: string, value: unknown): Record<string, unknown> {
  const params = file.entries(path, value);
  for (const [name, schema] of params) {
    if (!isMap(schema)) {
      throw file.error([...path, name], `parameter ${name} of ${action} must be a map; add below it: type: string`);
    }
    if (!isPlain(schema)) {
      throw file.error(
        [...path, name],
        `parameter ${name} of ${action} holds a date, binary or infinite value; put it in quotes`,
      );
    }
    const { type } = schema;
    if (type !== undefined && ![type].flat().every((item) => typeof item === "string")) {
      throw file.error([...path, name, "type"], `type of parameter ${name} of ${action} must be a name such as string`);
    }
  }
  return Object.fromEntries(params);
}

function parseRequired(file: YamlFile, path: KeyPath, action: string, value: unknown): string[] {
  const names = value ?? [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw file.error(path, `required of ${action} must be a list of parameter names, such as [a, b]`);
}

/** A schema instead of true or false is Juju's to check. */
function parseAdditional(file: YamlFile, path: KeyPath, action: string, value: unknown): boolean {
  if (value === undefined || value === null || isMap(value)) return true;
  if (typeof value === "boolean") return value;
  throw file.error(path, `additionalProperties of ${action} must be true or false`);
}

/** Whether a value survives JSON as it is. */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value === "object" && value !== null) return isMap(value) && Object.values(value).every(isPlain);
  return typeof value !== "number" || Number.isFinite(value);
}
