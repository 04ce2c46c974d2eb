/**
 * What rows hold, as types: servers' answers are not trusted to be what was asked for.
 *
 * @module
 */
import { ReplyError } from "../errors.ts";
import type { Row } from "./connection.ts";

const MAX_TEXT = 16 * 1024 * 1024;

/**
 * A column as text.
 *
 * @returns an empty text for NULL
 * @throws {ReplyError} when the row has no such column
 */
export function textIn(row: Row | undefined, column: string): string {
  const value = row?.[column];
  if (value === null) return "";
  if (typeof value === "number") return `${value}`;
  if (typeof value === "string" && value.length <= MAX_TEXT) return value;
  throw new ReplyError(`MySQL's answer has no ${column}; check that it is MySQL, and its version`);
}

/** A column as a whole number. @throws {ReplyError} when it is none */
export function numberIn(row: Row | undefined, column: string): number {
  const number = Number(textIn(row, column));
  if (Number.isSafeInteger(number)) return number;
  throw new ReplyError(`MySQL's answer has no number in ${column}; check that it is MySQL, and its version`);
}

/** A column as a switch: 1, ON and YES are true. @throws {ReplyError} when the row has no such column */
export function flagIn(row: Row | undefined, column: string): boolean {
  return /^(?:1|ON|YES)$/i.test(textIn(row, column));
}
