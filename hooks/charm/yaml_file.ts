/**
 * One YAML file of a charm: parsed, kept within limits, and able to say where something stands in it.
 *
 * @module
 */
import { parse } from "@std/yaml";
import { CharmFileError } from "../errors.ts";
import { isRecord } from "../juju/shape.ts";

/** Aliases let a short text stand for a huge value: a file may stand for so many values, at so many levels. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 100;
const MAX_ALIASES = 1000;

/** Keys from the top of a file to a value. */
export type KeyPath = readonly string[];

/** A parsed file whose top is a map. */
export class YamlFile {
  readonly path: string;
  readonly #text: string;
  readonly #top: Readonly<Record<string, unknown>>;

  /**
   * @param path for messages
   * @throws {CharmFileError} the text is not YAML, not a map, or stands for too much
   */
  constructor(path: string, text: string) {
    this.path = path;
    this.#text = text;
    const top = this.#parse();
    if (!isMap(top)) throw this.error([], "is not a map of keys; write KEY: VALUE lines");
    this.#top = top;
  }

  /** The value under a key of the top map; undefined if there is none. Null counts as none, as it does for Juju. */
  value(key: string): unknown {
    return Object.hasOwn(this.#top, key) ? this.#top[key] ?? undefined : undefined;
  }

  /** Names of the keys at the top. */
  keys(): string[] {
    return Object.keys(this.#top);
  }

  /**
   * The entries of a map; none where the value is absent.
   *
   * @throws {CharmFileError} the value is not a map
   */
  entries(path: KeyPath, value: unknown): [string, unknown][] {
    if (value === undefined || value === null) return [];
    if (!isMap(value)) throw this.error(path, `${path.join(".")} must be a map of keys`);
    return Object.entries(value);
  }

  /** An error that names the file, line and column of the key at a path, as far as it can be found. */
  error(path: KeyPath, problem: string): CharmFileError {
    const [line, column] = locate(this.#text, path);
    return new CharmFileError(`${this.path}:${line}:${column}: ${problem}`);
  }

  #parse(): unknown {
    const aliases = this.#text.match(/(?<=^|[\s,[{:])\*[\w-]+/gm)?.length ?? 0;
    if (aliases > MAX_ALIASES) {
      throw this.error([], `has ${aliases} aliases; at most ${MAX_ALIASES} are read: write the values out`);
    }
    try {
      const value = parse(this.#text) ?? {};
      measure(value);
      return value;
    } catch (error) {
      if (error instanceof TooMuch || error instanceof RangeError) {
        throw this.error([], `stands for more than ${MAX_VALUES} values or ${MAX_DEPTH} levels; make it simpler`);
      }
      if (error instanceof SyntaxError) throw this.#syntaxError(error);
      throw error;
    }
  }

  /** The parser's message ends in the position and the lines around it. */
  #syntaxError(cause: SyntaxError): CharmFileError {
    const [, reason = "", line = "1", column = "1"] =
      /^([^]*?)(?: at line (\d+), column (\d+)[^]*)?$/.exec(cause.message) ?? [];
    const problem = reason.replaceAll(/\s+/g, " ");
    return new CharmFileError(`${this.path}:${line}:${column}: is not YAML: ${problem}; correct it there`, { cause });
  }
}

class TooMuch extends Error {}

/** Counts values as often as they occur, which ends for values that contain themselves, too. */
function measure(top: unknown): void {
  let count = 0;
  const visit = (value: unknown, depth: number): void => {
    if (++count > MAX_VALUES || depth > MAX_DEPTH) throw new TooMuch();
    if (typeof value === "object" && value !== null) Object.values(value).forEach((item) => visit(item, depth + 1));
  };
  visit(top, 0);
}

/** Whether a parsed value is a map: dates and binary values, which YAML also knows, are not. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value));
}

/**
 * Line and column of a key, counted from 1. It looks for one key after the other, each further in than the one before;
 * in forms that it does not know, such as `{a: {b: 1}}`, it stays at the last key found.
 */
function locate(text: string, path: KeyPath): [line: number, column: number] {
  const lines = text.split("\n");
  let [line, indent] = [-1, -1];
  for (const key of path) {
    const next = lines.findIndex((content, index) => index > line && isKeyLine(content, key, indent));
    if (next < 0) break;
    const between = lines.slice(line + 1, next);
    if (line >= 0 && between.some((content) => /\S/.test(content) && indentOf(content) <= indent)) break;
    line = next;
    indent = indentOf(lines[next] ?? "");
  }
  return [Math.max(line, 0) + 1, Math.max(indent, 0) + 1];
}

function isKeyLine(content: string, key: string, outer: number): boolean {
  const indent = indentOf(content);
  const rest = content.slice(indent);
  const isOne = [key, `"${key}"`, `'${key}'`].some((form) =>
    rest.startsWith(form) && /^\s*:/.test(rest.slice(form.length))
  );
  return isOne && (outer < 0 ? indent === 0 : indent > outer);
}

function indentOf(content: string): number {
  return content.length - content.trimStart().length;
}
