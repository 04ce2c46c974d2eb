/**
 * Options of config.yaml.
 *
 * @module
 */
import type { ConfigOption, ConfigType } from "./metadata.ts";
import { isMap, type KeyPath, type YamlFile } from "./yaml_file.ts";

/** For each type: the default as a value of that type, or undefined if it is none. */
const DEFAULTS: Readonly<Record<ConfigType, (value: unknown) => string | number | boolean | undefined>> = {
  string: (value) => typeof value === "string" ? value : undefined,
  int: (value) => Number.isSafeInteger(value) ? Number(value) : undefined,
  float: (value) => typeof value === "number" && Number.isFinite(value) ? value : undefined,
  boolean: toBoolean,
  secret: (value) => typeof value === "string" ? value : undefined,
};

const DESCRIPTIONS: Readonly<Record<ConfigType, string>> = {
  string: "text; put it in quotes",
  int: "a whole number, without quotes",
  float: "a number, without quotes",
  boolean: "true or false, without quotes",
  secret: "the URI of a secret, in quotes",
};

/**
 * Parses the options of a charm. Source: juju internal/charm config.go, ReadConfig: an option without type is a string.
 *
 * @param path where the options stand: one or two keys
 * @throws {CharmFileError} the first thing that is wrong
 */
export function parseConfig(file: YamlFile, path: readonly [string, string?]): Record<string, ConfigOption> {
  const [first, second] = path;
  const top = file.value(first);
  const options = second === undefined ? top : Object.fromEntries(file.entries([first], top))[second];
  const keys = second === undefined ? [first] : [first, second];
  return Object.fromEntries(
    file.entries(keys, options).map(([name, value]) => [name, parseOption(file, [...keys, name], name, value)]),
  );
}

function parseOption(file: YamlFile, path: KeyPath, name: string, value: unknown): ConfigOption {
  if (/[\s=\p{Cc}]|^$/u.test(name)) {
    throw file.error(path, `${JSON.stringify(name)} is no option name; leave out spaces and equals signs`);
  }
  if (!isMap(value)) throw file.error(path, `option ${name} must be a map; add below it: type: string`);
  const type = value.type ?? "string";
  if (!isConfigType(type)) {
    throw file.error([...path, "type"], `type of option ${name} must be one of: ${Object.keys(DEFAULTS).join(", ")}`);
  }
  const description = value.description ?? "";
  if (typeof description !== "string") {
    throw file.error([...path, "description"], `description of option ${name} must be text; put it in quotes`);
  }
  if (value.default === undefined || value.default === null) return { name, type, description };
  const fallback = DEFAULTS[type](value.default);
  if (fallback === undefined) {
    throw file.error([...path, "default"], `default of option ${name} must be ${DESCRIPTIONS[type]}`);
  }
  return { name, type, default: fallback, description };
}

function isConfigType(type: unknown): type is ConfigType {
  return typeof type === "string" && Object.hasOwn(DEFAULTS, type);
}

/** Juju's parser knows the words of YAML 1.1, too. */
function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  if (/^(y|yes|on)$/i.test(value)) return true;
  return /^(n|no|off)$/i.test(value) ? false : undefined;
}
