/**
 * SQL as a type of its own: only what the source says is code; every value becomes a literal. MySQL takes no
 * placeholders in most statements that administer a server.
 *
 * Texts are quoted for a session whose `sql_mode` has no NO_BACKSLASH_ESCAPES; `connection.ts` sees to that.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** What a statement may be made of: texts become quoted literals, numbers have to be whole. */
export type SqlValue = string | number | bigint | null | Sql;

/** A statement or a part of one. It does not show what it says: there may be a password in it. */
export class Sql {
  readonly #text: string;

  /** Only for this module: {@linkcode sql} makes them. */
  constructor(text: string, key: typeof KEY) {
    if (key !== KEY) throw new InputError("SQL is made by sql`...` only");
    this.#text = text;
  }

  /** What the server gets. */
  static textOf(statement: Sql): string {
    return statement.#text;
  }

  toString(): string {
    return "[SQL]";
  }

  toJSON(): string {
    return "[SQL]";
  }
}

const KEY = Symbol("sql");
const MAX_NAME_CHARACTERS = 64;
const MAX_USER_CHARACTERS = 32;
const MAX_HOST_CHARACTERS = 255;
const MAX_TEXT_CHARACTERS = 1024 * 1024;
const HOST = /^[A-Za-z0-9%_.:/*-]*$/;
const ESCAPES: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\n": "\\n",
  "\r": "\\r",
  "\x1a": "\\Z",
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
};

/**
 * A statement: sql`ALTER USER ${account(user, "%")} IDENTIFIED BY ${password}`.
 *
 * @throws {InputError} for a text that is no Unicode or too long, and for a number that is not whole
 */
export function sql(parts: TemplateStringsArray, ...values: readonly SqlValue[]): Sql {
  return new Sql(parts.map((part, index) => index === 0 ? part : literal(values[index - 1]) + part).join(""), KEY);
}

/**
 * The name of a table, schema, column or plugin.
 *
 * @throws {InputError} for a name that MySQL would not take
 */
export function name(identifier: string): Sql {
  if (identifier === "" || [...identifier].length > MAX_NAME_CHARACTERS || !isPlain(identifier)) {
    throw new InputError(`a MySQL name has 1 to ${MAX_NAME_CHARACTERS} characters, none of them control characters`);
  }
  return new Sql(`\`${identifier.replaceAll("`", "``")}\``, KEY);
}

/**
 * A user and the hosts that it may come from.
 *
 * @param host an address, name or pattern such as `%`
 * @throws {InputError} for what MySQL would not take
 */
export function account(user: string, host: string): Sql {
  if (user === "" || [...user].length > MAX_USER_CHARACTERS || !isPlain(user) || user.trim() !== user) {
    throw new InputError(`a MySQL user has 1 to ${MAX_USER_CHARACTERS} characters, none of them control characters`);
  }
  if (host === "" || host.length > MAX_HOST_CHARACTERS || !HOST.test(host)) {
    throw new InputError("the host of a MySQL user is an address, a host name or a pattern such as %");
  }
  return new Sql(`${literal(user)}@${literal(host)}`, KEY);
}

/** Parts with commas between them. */
export function list(parts: readonly Sql[]): Sql {
  return new Sql(parts.map(Sql.textOf).join(", "), KEY);
}

function literal(value: SqlValue | undefined): string {
  if (value instanceof Sql) return Sql.textOf(value);
  if (value === null) return "NULL";
  if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))) return `${value}`;
  if (typeof value !== "string") throw new InputError("a value in SQL is a text or a whole number");
  if (value.length > MAX_TEXT_CHARACTERS) throw new InputError("a text in SQL is too long");
  if (!value.isWellFormed()) throw new InputError("a text in SQL has half a character in it");
  return `'${value.replace(/[\p{Cc}\\'"]/gu, (character) => ESCAPES[character] ?? character)}'`;
}

function isPlain(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}
