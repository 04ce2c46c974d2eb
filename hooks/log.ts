/**
 * Log lines of a hook.
 *
 * @module
 */
import type { LogLevel } from "./juju/commands/model.ts";
import type { Redactor } from "./redact.ts";
import { printable } from "./text.ts";

/** Where log lines go. */
export interface LogSink {
  /** Writes through juju-log. */
  send(level: LogLevel, message: string): Promise<void>;
  /** Writes a line that the agent logs at DEBUG; undefined where standard output means something else. */
  printDebug: ((line: string) => void) | undefined;
}

/** Longest message, in characters: juju-log takes it as an argument. */
const MAX_MESSAGE = 8_192;

/** Writes log lines in order, without making handlers wait, and with secrets masked. */
export class Logger {
  #pending: Promise<void> = Promise.resolve();
  readonly #sink: LogSink;
  readonly #redactor: Redactor;

  constructor(sink: LogSink, redactor: Redactor) {
    this.#sink = sink;
    this.#redactor = redactor;
  }

  debug(message: string): void {
    const line = this.#clean(message);
    // The agent logs what a hook prints at DEBUG: a line costs no hook command.
    if (this.#sink.printDebug) this.#sink.printDebug(line);
    else this.#enqueue("DEBUG", line);
  }

  info(message: string): void {
    this.#enqueue("INFO", this.#clean(message));
  }

  warning(message: string): void {
    this.#enqueue("WARNING", this.#clean(message));
  }

  error(message: string): void {
    this.#enqueue("ERROR", this.#clean(message));
  }

  /** Waits until every line was written. A line that the agent refuses is lost: logging never fails a hook. */
  async flush(): Promise<void> {
    await this.#pending;
  }

  #clean(message: string): string {
    const text = printable(this.#redactor.apply(message));
    return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
  }

  #enqueue(level: LogLevel, line: string): void {
    this.#pending = this.#pending.then(() => this.#sink.send(level, line)).catch(() => {});
  }
}
