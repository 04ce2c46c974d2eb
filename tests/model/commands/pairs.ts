/**
 * `key=value` arguments and files of settings.
 *
 * @module
 */
import { parse } from "@std/yaml";
import { isAbsolute, join } from "node:path";
import { goQuote } from "../go_flags.ts";
import { type CommandCall, RunError, StdinNeeded, UsageError } from "./definition.ts";

/**
 * Reads `key=value` arguments. Source: juju/utils keyvalues.
 *
 * @param args positional arguments
 * @throws {UsageError} no `=`, empty key, or a key given twice
 */
export function parsePairs(args: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const arg of args) {
    const equals = arg.indexOf("=");
    if (equals < 1) throw new UsageError(`expected "key=value", got ${goQuote(arg)}`);
    const key = arg.slice(0, equals);
    if (pairs.has(key)) throw new UsageError(`key ${goQuote(key)} specified more than once`);
    pairs.set(key, arg.slice(equals + 1));
  }
  return pairs;
}

/**
 * Settings from `--file` (`-` is standard input), overridden by arguments.
 *
 * @param call the call
 * @param pairs what the arguments said
 * @throws {StdinNeeded} the file is `-` and the caller sent no input yet
 * @throws {RunError} the file cannot be read or is not a map of scalars
 */
export function settingsOf(call: CommandCall, pairs: ReadonlyMap<string, string>): Map<string, string> {
  const file = call.flags.get("file");
  if (!file) return new Map(pairs);
  return new Map([...parseSettings(readInput(call, file)), ...pairs]);
}

function readInput(call: CommandCall, file: string): string {
  if (file === "-") {
    if (call.stdin === undefined) throw new StdinNeeded();
    return new TextDecoder().decode(call.stdin);
  }
  return readText(isAbsolute(file) ? file : join(call.dir, file));
}

/**
 * Reads a file as the agent does.
 *
 * @param path absolute path
 * @throws {RunError} with Go's text
 */
export function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "no such file or directory"
      : error instanceof Deno.errors.PermissionDenied
      ? "permission denied"
      : "is a directory";
    throw new RunError(`open ${path}: ${reason}`);
  }
}

/**
 * Parses a YAML (or JSON) map of scalars; scalars keep their text, whatever YAML makes of them.
 *
 * @param text content of the file
 * @throws {RunError} not a map of scalars
 */
export function parseSettings(text: string): Map<string, string> {
  const content = firstDocument(text);
  if (content === null || content === "") return new Map();
  if (typeof content === "string") throw notAMap(scalarTag(content), content);
  if (Array.isArray(content)) throw notAMap("!!seq");
  const settings = new Map<string, string>();
  for (const [key, value] of Object.entries(content)) {
    if (typeof value === "object" && value !== null) {
      const tag = Array.isArray(value) ? "!!seq" : "!!map";
      throw new RunError(`yaml: unmarshal errors:\n  line ${lineOf(text, key)}: cannot unmarshal ${tag} into string`);
    }
    settings.set(key, value ?? "");
  }
  return settings;
}

type Failsafe = null | string | Failsafe[] | { [key: string]: Failsafe };

/** Go's parser stops after the first document and never looks at what follows it. */
function firstDocument(text: string): Failsafe {
  try {
    return (parse(text, { schema: "failsafe" }) ?? null) as Failsafe;
  } catch (error) {
    const end = endOfFlowMap(text);
    if (end !== undefined && text.slice(end).trim() !== "") return firstDocument(text.slice(0, end));
    const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    throw new RunError(`yaml: ${reason}`);
  }
}

function endOfFlowMap(text: string): number | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  let depth = 0;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? "";
    if (quote) {
      if (char === quote) quote = "";
      else if (char === "\\" && quote === '"') i++;
    } else if (char === '"' || char === "'") quote = char;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return i + 1;
  }
  return undefined;
}

function notAMap(tag: string, value?: string): RunError {
  const shown = value === undefined ? "" : ` \`${value.length > 10 ? `${value.slice(0, 7)}...` : value}\``;
  return new RunError(`yaml: unmarshal errors:\n  line 1: cannot unmarshal ${tag}${shown} into map[string]string`);
}

function scalarTag(text: string): string {
  if (/^[-+]?\d+$/.test(text)) return "!!int";
  if (/^[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) return "!!float";
  return /^(true|false|yes|no|on|off)$/i.test(text) ? "!!bool" : "!!str";
}

function lineOf(text: string, key: string): number {
  const at = text.indexOf(key);
  return at < 0 ? 1 : text.slice(0, at).split("\n").length;
}
