/**
 * Texts fit for people.
 *
 * @module
 */

/** Longest message that is sent or stored, in characters; Juju's tables cut much earlier. */
const MAX_MESSAGE = 1_000;

/** A message of one line and bounded length. */
export function oneLine(message: string): string {
  const text = message.replaceAll(/\s+/g, " ").trim();
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}
