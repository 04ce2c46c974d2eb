/**
 * Names and texts inside SQL that takes no parameters.
 *
 * @module
 */
import { InputError } from "../errors.ts";

const MAX_NAME_BYTES = 63;

/**
 * A quoted identifier.
 *
 * @throws {InputError} for a name that PostgreSQL would shorten or refuse
 */
export function quoteName(name: string): string {
  const length = new TextEncoder().encode(name).length;
  if (length === 0 || length > MAX_NAME_BYTES || name.includes("\0")) {
    throw new InputError("a PostgreSQL name has 1 to 63 bytes without a zero byte; choose another");
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A quoted text, read the same whatever `standard_conforming_strings` is.
 *
 * @throws {InputError} for a text with a zero byte
 */
export function quoteText(text: string): string {
  if (text.includes("\0")) throw new InputError("a PostgreSQL text has no zero byte; correct it");
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
