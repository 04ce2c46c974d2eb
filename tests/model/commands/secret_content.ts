/**
 * Identity and content of secrets. Source: contract section 6.1; juju/juju core/secrets.
 *
 * @module
 */
import { parse } from "@std/yaml";
import { homedir } from "node:os";
import { goQuote } from "../go_flags.ts";
import type { WorldState } from "../state.ts";
import { RunError, UsageError } from "./definition.ts";
import { readText } from "./pairs.ts";

/** Content by key; values are base64. */
export type SecretContent = Record<string, string>;

const ID = /^[0-9a-v]{19}[0g]$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const KEY = /^[a-z](?:-?[a-z0-9]){2,}$/;
/** Largest value and largest secret, in bytes of base64. */
const SIZE_LIMIT = 1_000_000;

const ALPHABET = "0123456789abcdefghijklmnopqrstuv";
/** The id in Juju's own documentation; ids of a model count up from it. */
const FIRST_ID = "9m4e2mr0ui3e8a215n4g";

/**
 * The id in a secret's URI: `secret:<id>`, `<id>`, `secret://<uuid>/<id>` or `<uuid>/<id>`.
 *
 * @param text the argument
 * @throws {UsageError} any other form
 */
export function parseSecretUri(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):(.*)$/i.exec(text);
  if (scheme && scheme[1] !== "secret") throw new UsageError(`secret URI scheme ${goQuote(scheme[1] ?? "")} not valid`);
  const rest = (scheme?.[2] ?? text).replace(/^\/\//, "");
  const slash = rest.indexOf("/");
  const id = rest.slice(slash + 1);
  if (!ID.test(id) || (slash >= 0 && !UUID.test(rest.slice(0, slash)))) {
    throw new UsageError(`secret URI ${goQuote(text)} not valid`);
  }
  return id;
}

/**
 * Takes the next free secret id of the model.
 *
 * @param world the model, whose counter moves on
 * @param taken ids that are reserved but not in the model yet
 */
export function reserveSecretId(world: WorldState, taken: (id: string) => boolean): string {
  const first = [...FIRST_ID].reduce((sum, char) => sum * 32n + BigInt(ALPHABET.indexOf(char)), 0n) / 16n;
  for (;;) {
    let number = (first + BigInt(world.nextSecret++)) * 16n;
    let id = "";
    for (let i = 0; i < FIRST_ID.length; i++) {
      id = (ALPHABET[Number(number % 32n)] ?? "") + id;
      number /= 32n;
    }
    if (!world.secrets[id] && !taken(id)) return id;
  }
}

/**
 * Content from `key=value`, `key#base64=value` and `key#file=path` arguments.
 *
 * @param args positional arguments
 * @throws {UsageError} a pair, key or size that Juju refuses, or a file that cannot be read
 */
export function contentFromArgs(args: readonly string[]): SecretContent {
  const raw: Record<string, string> = {};
  for (const arg of args) {
    const equals = arg.replace(/=+$/, "").indexOf("=");
    if (equals < 1) throw new UsageError(`key value ${goQuote(arg)} not valid`);
    raw[arg.slice(0, equals)] = arg.slice(equals + 1);
  }
  return encoded(raw);
}

/**
 * Content from a YAML or JSON file.
 *
 * @param path absolute path (the agent does not know the caller's directory)
 * @throws {UsageError} the file cannot be read or holds no map of scalars
 */
export function contentFromFile(path: string): SecretContent {
  const raw: Record<string, string | Uint8Array> = {};
  const content = asUsage(() => parseContent(readFile(path))) ?? {};
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new UsageError("yaml: unmarshal errors:\n  line 1: cannot unmarshal into secrets.SecretData");
  }
  for (const [key, value] of Object.entries(content)) {
    if (typeof value === "object" && value !== null && !(value instanceof Uint8Array)) {
      throw new UsageError(`yaml: unmarshal errors:\n  cannot unmarshal ${goQuote(key)} into string`);
    }
    raw[key] = value instanceof Uint8Array ? value : String(value ?? "");
  }
  return encoded(raw);
}

/** Scalars keep their text; only a file with `!!binary` needs the schema that knows more types. */
function parseContent(text: string): unknown {
  return parse(text, { schema: text.includes("!!binary") ? "default" : "failsafe" });
}

function readFile(path: string): string {
  return readText(path.replace(/^~(?=\/)/, homedir()));
}

function asUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RunError) throw new UsageError(error.message);
    throw new UsageError(`yaml: ${error instanceof Error ? error.message.split("\n", 1)[0] : String(error)}`);
  }
}

function encoded(raw: Readonly<Record<string, string | Uint8Array>>): SecretContent {
  const content: SecretContent = {};
  for (const [name, value] of Object.entries(raw)) {
    const [, key = name, form] = /^(.*)#(base64|file)$/s.exec(name) ?? [];
    if (!KEY.test(key)) throw new UsageError(`key ${goQuote(key)} not valid`);
    if (form === "base64" && typeof value === "string") content[key] = value;
    else if (form === "file" && typeof value === "string") content[key] = toBase64(asUsage(() => readFile(value)));
    else content[key] = toBase64(value);
  }
  let total = 0;
  for (const [key, value] of Object.entries(content)) {
    total += value.length;
    if (value.length > SIZE_LIMIT) {
      throw new UsageError(`secret content for key ${goQuote(key)} too large: ${value.length} bytes`);
    }
  }
  if (total > SIZE_LIMIT) throw new UsageError(`secret content too large: ${total} bytes`);
  return content;
}

/**
 * Base64 of text (as UTF-8) or bytes.
 *
 * @param value what to encode
 */
export function toBase64(value: string | Uint8Array): string {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * The text of a stored value; bytes when it is not UTF-8.
 *
 * @param base64 a stored value
 * @throws {RunError} the charm stored what is not base64
 */
export function fromBase64(base64: string): string | Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    throw new RunError("illegal base64 data at input byte 0");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes;
  }
}
