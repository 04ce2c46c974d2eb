/**
 * What is printed through `console`.
 *
 * @module
 */

/** Lines that were kept, instead of printed, since {@linkcode keepConsole}. */
export interface KeptConsole extends Disposable {
  readonly lines: readonly string[];
}

/** Keeps what is printed until it is disposed of. */
export function keepConsole(): KeptConsole {
  const { error, info, log, trace, warn } = console;
  const lines: string[] = [];
  const keep = (...said: unknown[]) => void lines.push(said.join(" ") || "an empty line");
  Object.assign(console, { error: keep, info: keep, log: keep, trace: keep, warn: keep });
  return { lines, [Symbol.dispose]: () => void Object.assign(console, { error, info, log, trace, warn }) };
}
