/**
 * A program that is stopped after everything that it sends: whoever watches it decides there whether it goes on.
 *
 * @module
 */
import { HOOK_COMMANDS } from "../../model/commands/registry.ts";
import { STOPPED } from "../killed_requests.ts";
import { sendSignal } from "../units_processes.ts";
import { readAll } from "./general_logs.ts";

/** What a program has sent. What goes to servers of other machines is encrypted: those say what it was. */
export type Sent =
  | { readonly kind: "command"; readonly name: string }
  | { readonly kind: "statement"; readonly text: string }
  | { readonly kind: "encrypted" };

/** Where to, and the content as strace writes it. */
const SEND = /^(?:sendto|sendmsg|writev)\(\d+<(UNIX|TCP).*?[ =]"((?:[^"\\]|\\.)*)"/;
/** Length, number and command of a packet with a statement. */
const STATEMENT = /^(?:\\[0-7]{1,3}|\\.|[^\\]){2}\\0\\0\\3(.*)$/;
/** First byte and version of a TLS record with data. */
const ENCRYPTED = /^\\27\\3\\3/;
/** The longest names first: one may begin with another. */
const COMMAND = new RegExp(`\\b(?:${HOOK_COMMANDS.toReversed().join("|")})\\b`);
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f" };

/** One run of a program; see {@linkcode stopAtSends}. */
export class SteppedRun implements Disposable {
  #file: Deno.FsFile | undefined;
  #rest = "";
  #isStopped = false;

  /** @param trace record of what it sends */
  constructor(readonly trace: string) {}

  /** Whether it waits for {@linkcode SteppedRun.goOn}. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** What it has sent since the last look; undefined before it begins. */
  look(): Sent[] | undefined {
    this.#file ??= ifThere(() => Deno.openSync(this.trace));
    if (!this.#file) return undefined;
    const lines = (this.#rest + readAll(this.#file)).split("\n");
    this.#rest = lines.pop() ?? "";
    if (lines.includes(STOPPED)) this.#isStopped = true;
    return lines.flatMap((line) => sentIn(line) ?? []);
  }

  goOn(): void {
    this.#isStopped = false;
    this.#signal("SIGCONT");
  }

  kill(): void {
    this.#isStopped = false;
    this.#signal("SIGKILL");
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }

  #signal(signal: Deno.Signal): void {
    sendSignal(-Number(Deno.readTextFileSync(`${this.trace}.pid`)), signal);
  }
}

function sentIn(line: string): Sent | undefined {
  const [, where, content = ""] = SEND.exec(line) ?? [];
  if (where === "TCP") return ENCRYPTED.test(content) ? { kind: "encrypted" } : undefined;
  const [, statement] = STATEMENT.exec(content) ?? [];
  if (statement !== undefined) return { kind: "statement", text: unescaped(statement) };
  const [name] = COMMAND.exec(unescaped(content)) ?? [];
  return name === undefined ? undefined : { kind: "command", name };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{1,3}|.)/g, (_, code: string) => {
    return /\d/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : ESCAPES[code] ?? code;
  });
}

function ifThere<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
