/**
 * From the texts of a charm's files to its metadata. It brings the YAML parser along, so it is loaded only when needed.
 *
 * @module
 */
import { join } from "node:path";
import { EnvironmentError } from "../errors.ts";
import { parseActions } from "./parse_actions.ts";
import { parseConfig } from "./parse_config.ts";
import type { CharmMetadata, Endpoint, Role } from "./metadata.ts";
import { isValidName, type Named } from "./names.ts";
import type { CharmFileName, CharmSources } from "./sources.ts";
import { isMap, type KeyPath, YamlFile } from "./yaml_file.ts";

const ROLES: readonly Role[] = ["provides", "requires", "peers"];
const INTERFACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/**
 * Parses and checks the files of a charm. Keys that Charmlet does not use are ignored, as they are not its to check.
 * Source: contract section 9.1; juju internal/charm meta.go, config.go, actions.go.
 *
 * @param dir the charm's directory, for messages
 * @throws {EnvironmentError} there are none
 * @throws {CharmFileError} the first thing that is wrong, with file:line:column and what to do
 */
export function parseCharm(dir: string, sources: CharmSources): CharmMetadata {
  const open = (name: CharmFileName) => {
    const text = sources[name];
    return text === null ? undefined : new YamlFile(join(dir, name), text);
  };
  const charmcraft = open("charmcraft.yaml");
  const metadata = open("metadata.yaml") ?? charmcraft;
  if (!metadata) {
    throw new EnvironmentError(
      `there is no metadata.yaml or charmcraft.yaml in ${dir || "."}: run this in a charm's directory`,
    );
  }
  const config = open("config.yaml") ?? charmcraft;
  const actions = open("actions.yaml");
  return {
    name: parseName(metadata),
    summary: parseSummary(metadata),
    subordinate: parseSubordinate(metadata),
    endpoints: parseEndpoints(metadata),
    storages: parseNames(metadata, "storage", "storage"),
    containers: parseNames(metadata, "containers", "container"),
    config: config ? parseConfig(config, config === charmcraft ? ["config", "options"] : ["options"]) : {},
    actions: actions ? parseActions(actions, []) : charmcraft ? parseActions(charmcraft, ["actions"]) : {},
  };
}

function parseName(file: YamlFile): string {
  const name = file.value("name");
  if (name === undefined) throw file.error([], "has no name; add a line: name: NAME");
  if (typeof name !== "string" || !isValidName("charm", name)) {
    throw file.error(["name"], `${JSON.stringify(name)} is no charm name; ${rule("lower-case letters, digits")}`);
  }
  return name;
}

function parseSummary(file: YamlFile): string {
  const summary = file.value("summary") ?? "";
  if (typeof summary !== "string") throw file.error(["summary"], "summary must be text; put it in quotes");
  return summary;
}

function parseSubordinate(file: YamlFile): boolean {
  const subordinate = file.value("subordinate") ?? false;
  if (typeof subordinate !== "boolean") throw file.error(["subordinate"], "subordinate must be true or false");
  return subordinate;
}

function parseEndpoints(file: YamlFile): Endpoint[] {
  const endpoints = new Map<string, Endpoint>();
  for (const role of ROLES) {
    for (const [name, value] of file.entries([role], file.value(role))) {
      const path = [role, name] as const;
      checkName(file, path, "endpoint", name);
      const other = endpoints.get(name);
      if (other) {
        throw file.error(path, `endpoint ${name} is listed under ${other.role}, too; rename one of them`);
      }
      endpoints.set(name, parseEndpoint(file, path, role, value));
    }
  }
  return [...endpoints.values()];
}

/** An endpoint is a map, or just the name of its interface. */
function parseEndpoint(file: YamlFile, path: readonly [Role, string], role: Role, value: unknown): Endpoint {
  const [, name] = path;
  const fields: Readonly<Record<string, unknown>> = typeof value === "string"
    ? { interface: value }
    : isMap(value)
    ? value
    : {};
  const { interface: interfaceName, scope } = fields;
  if (interfaceName === undefined || interfaceName === null) {
    throw file.error(path, `endpoint ${name} has no interface; add below it: interface: NAME`);
  }
  if (typeof interfaceName !== "string" || !INTERFACE.test(interfaceName)) {
    throw file.error(
      [...path, "interface"],
      `${JSON.stringify(interfaceName)} is no interface name; ${rule("letters, digits, dots, underscores")}`,
    );
  }
  if (scope !== undefined && scope !== null && scope !== "global" && scope !== "container") {
    throw file.error([...path, "scope"], `scope of endpoint ${name} must be global or container`);
  }
  return { name, role, interface: interfaceName, scope: scope ?? "global" };
}

function parseNames(file: YamlFile, key: string, what: Named): string[] {
  const names = file.entries([key], file.value(key)).map(([name]) => name);
  for (const name of names) checkName(file, [key, name], what, name);
  return names;
}

function checkName(file: YamlFile, path: KeyPath, what: Named, name: string): void {
  if (isValidName(what, name)) return;
  throw file.error(path, `${JSON.stringify(name)} is no ${what} name; ${rule("lower-case letters, digits")}`);
}

function rule(characters: string): string {
  return `use ${characters} and inner hyphens`;
}
