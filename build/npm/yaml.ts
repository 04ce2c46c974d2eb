/**
 * The part of `@std/yaml` that the project uses, over js-yaml 3, of which `@std/yaml` is a port.
 *
 * @module
 */
// @ts-types="@types/js-yaml"
import yaml from "js-yaml";

/** Names of the schemas that both libraries have. */
export type SchemaType = "core" | "default" | "failsafe" | "json";

/** Options of {@linkcode parse}. */
export interface ParseOptions {
  /** Tags and scalar forms that are understood; `default` if left out. */
  schema?: SchemaType;
  /** Whether a later equal key replaces an earlier one instead of being an error. */
  allowDuplicateKeys?: boolean;
}

/** Options of {@linkcode stringify}. */
export interface StringifyOptions {
  /** Width of one level, in spaces; 2 if left out. */
  indent?: number;
  /** Tags and scalar forms that may be written; `default` if left out. */
  schema?: SchemaType;
  /** Whether keys are written in order instead of as they come. */
  sortKeys?: boolean;
  /** Column at which long strings are folded, `-1` for never; 80 if left out. */
  lineWidth?: number;
  /** Whether an object that occurs twice is written as a reference. */
  useAnchors?: boolean;
}

/** Fields of Schema that its type declaration lacks. */
interface Compiled {
  readonly compiledImplicit: readonly (yaml.Type & { readonly tag: string })[];
}

/** Number types of js-yaml without its forms in base 60: `@std/yaml` does not know them, `1:30` is text. */
const NUMBERS = (yaml.CORE_SCHEMA as yaml.Schema & Compiled).compiledImplicit
  .filter(({ tag }) => /:(int|float)$/.test(tag))
  .map((type) => {
    const resolve = (text: string | null) => !text?.includes(":") && type.resolve(text);
    return Object.assign(Object.create(yaml.Type.prototype) as yaml.Type, type, { resolve });
  });

const SCHEMAS = {
  core: new yaml.Schema({ include: [yaml.CORE_SCHEMA], implicit: NUMBERS }),
  default: new yaml.Schema({ include: [yaml.DEFAULT_SAFE_SCHEMA], implicit: NUMBERS }),
  failsafe: yaml.FAILSAFE_SCHEMA,
  json: new yaml.Schema({ include: [yaml.JSON_SCHEMA], implicit: NUMBERS }),
};

/**
 * Parses a text that holds at most one YAML document.
 *
 * @returns the document's value, `null` for an empty text
 * @throws {SyntaxError} the text is not YAML; the message has `at line L, column C`
 */
export function parse(content: string, options: ParseOptions = {}): unknown {
  try {
    const value: unknown = yaml.safeLoad(content, {
      schema: SCHEMAS[options.schema ?? "default"],
      json: options.allowDuplicateKeys ?? false,
    });
    return value ?? null;
  } catch (error) {
    throw error instanceof yaml.YAMLException ? syntaxError(error) : error;
  }
}

/**
 * Writes a value as one YAML document.
 *
 * @throws {TypeError} the value holds something that has no YAML form
 */
export function stringify(data: unknown, options: StringifyOptions = {}): string {
  try {
    return yaml.safeDump(data, {
      schema: SCHEMAS[options.schema ?? "default"],
      indent: options.indent ?? 2,
      sortKeys: options.sortKeys ?? false,
      lineWidth: options.lineWidth ?? 80,
      noRefs: !(options.useAnchors ?? true),
    });
  } catch (error) {
    throw error instanceof yaml.YAMLException ? new TypeError(error.message, { cause: error }) : error;
  }
}

/** Fields of YAMLException that its type declaration lacks. */
interface Failure {
  readonly reason: string;
  readonly mark?: { readonly line: number; readonly column: number; getSnippet(): string };
}

function syntaxError(error: yaml.YAMLException): SyntaxError {
  const { mark, reason } = error as yaml.YAMLException & Failure;
  const message = reason.charAt(0).toUpperCase() + reason.slice(1);
  if (!mark) return new SyntaxError(message, { cause: error });
  const place = `at line ${mark.line + 1}, column ${mark.column + 1}`;
  return new SyntaxError(`${message} ${place}:\n${mark.getSnippet()}`, { cause: error });
}
