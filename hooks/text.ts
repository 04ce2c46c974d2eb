/**
 * Texts fit for people.
 *
 * @module
 */

/** Longest message that is sent or stored, in characters; Juju's tables cut much earlier. */
const MAX_MESSAGE = 1_000;
/** What remains of the end of a longer one: errors say there what to do. */
const KEPT_END = 300;

/** A message of one line and bounded length, without characters that a terminal or a log takes for commands. */
export function oneLine(message: string): string {
  return shorten(plain(message));
}

/** A message of one line, without characters that a terminal or a log takes for commands. */
export function plain(message: string): string {
  return message.toWellFormed().replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
}

/** A message of bounded length. A part of a secret is no secret that is known: mask them before. */
export function shorten(text: string): string {
  if (text.length <= MAX_MESSAGE) return text;
  return `${text.slice(0, MAX_MESSAGE - KEPT_END)}…${text.slice(-KEPT_END)}`.toWellFormed();
}

/** A text of any number of lines, without the characters by which it could change what a terminal shows. */
export function printable(text: string): string {
  return text.toWellFormed().replaceAll(/(?![\n\t])[\p{Cc}\u2028\u2029]/gu, "\ufffd");
}
