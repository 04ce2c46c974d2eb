/**
 * Keeps secret values out of logs, statuses and printed effects.
 *
 * @module
 */
import { plain } from "./text.ts";

/** Shorter values would blot out ordinary text; no generated secret is that short. */
const MIN_LENGTH = 3;
/** A line of a PEM block or similar that betrays its secret on its own. */
const MIN_LINE_LENGTH = 16;
const MASK = "[secret]";

/** Replaces every secret value it was told of. */
export class Redactor {
  readonly #values = new Set<string>();

  /** Remembers a secret value, its lines, its JSON form, and what becomes of it in a message of one line. */
  add(value: string): void {
    if (value.length < MIN_LENGTH) return;
    this.#values.add(value);
    this.#values.add(JSON.stringify(value).slice(1, -1));
    const inMessage = plain(value);
    if (inMessage.length >= MIN_LENGTH) this.#values.add(inMessage);
    for (const line of value.split("\n")) {
      if (line.length >= MIN_LINE_LENGTH && !line.startsWith("-----")) this.#values.add(line);
    }
  }

  /** The text with every remembered value masked. */
  apply(text: string): string {
    let result = text;
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) {
      result = result.replaceAll(value, MASK);
    }
    return result;
  }
}
