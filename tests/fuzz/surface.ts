/**
 * Surfaces: where data of others enters. Each is a property of fast-check; a case that breaks it is shrunk and printed
 * with its seed.
 *
 * @module
 */
import process from "node:process";
import fc from "fast-check";
import { ActionFailed, CharmletError } from "../../hooks/errors.ts";
import { ClientError } from "../../interfaces/clients/errors.ts";
import { TransportFailure } from "../../interfaces/clients/http/exchange.ts";

/** Stands in every place of the inputs where a secret may stand, and nowhere in what people get to see. */
export const CANARY = "canary-5d1f0b9e7c64";
/** What one case may take of the processor, in milliseconds: the clock of a busy machine says nothing. */
const MAX_CPU_MS = 2000;
/** Longest message of an error, in characters. */
const MAX_MESSAGE = 3000;
/** Longest part of a broken case's input that is printed, in characters. */
const MAX_SHOWN = 4000;
const TYPED = [CharmletError, ActionFailed, ClientError, TransportFailure];
const NOT_PLAIN = /[\p{Cc}\u2028\u2029]/u;

/** What a case found: whether the input was taken, or refused as it should be. */
export type Verdict = "taken" | "refused";

/** One surface. */
export interface Surface {
  readonly name: string;
  /** @param note told the verdict of each case, and its milliseconds of the processor's time */
  property(note: (verdict: Verdict, cpuMs: number) => void): fc.IAsyncProperty<[unknown]>;
}

/** The input did what no input may do. */
export class Breach extends Error {
  override readonly name = "Breach";
}

/** How often, and with which numbers, a surface is attacked. */
export interface Attack {
  readonly cases: number;
  readonly seed: number;
  /** Of a failure that is to be repeated, as it was printed. */
  readonly path?: string;
}

/** What came of an attack. */
export interface Report {
  readonly name: string;
  readonly cases: number;
  readonly taken: number;
  readonly refused: number;
  /** Milliseconds of the processor's time, of the slowest case and of all. */
  readonly slowestMs: number;
  readonly totalMs: number;
  /** What broke, with how to repeat it; undefined when nothing did. */
  readonly failure: string | undefined;
}

/**
 * Makes a surface.
 *
 * @param inputs makes the inputs; called when the surface is attacked
 * @param attack throws a {@linkcode Breach} when the input did what none may do
 * @param maxCpuMs most time of the processor that one case may take, in milliseconds
 */
export function surface<T>(
  name: string,
  inputs: () => fc.Arbitrary<T>,
  attack: (input: T) => Verdict | Promise<Verdict>,
  maxCpuMs: number = MAX_CPU_MS,
): Surface {
  return {
    name,
    property: (note) =>
      fc.asyncProperty(inputs() as fc.Arbitrary<unknown>, async (input) => {
        const before = process.cpuUsage();
        const verdict = await attack(input as T);
        const { user, system } = process.cpuUsage(before);
        const ms = (user + system) / 1000;
        if (ms > maxCpuMs) throw new Breach(`the case took ${Math.round(ms)} ms of the processor's time`);
        note(verdict, ms);
      }),
  };
}

/** Attacks a surface. */
export async function attackSurface({ name, property }: Surface, { cases, seed, path }: Attack): Promise<Report> {
  const counts = { taken: 0, refused: 0 };
  let [slowestMs, totalMs] = [0, 0];
  const noted = property((verdict, ms) => {
    counts[verdict]++;
    totalMs += ms;
    slowestMs = Math.max(slowestMs, ms);
  });
  const details = await fc.check(noted, { numRuns: cases, seed, ...(path === undefined ? {} : { path }) });
  const failure = details.failed
    ? `${described(details.errorInstance)}\nInput: ${fc.stringify(details.counterexample).slice(0, MAX_SHOWN)}\n` +
      `Repeat it: build/deno task fuzz -- --surface "${name}" --cases ${cases} --seed ${details.seed} ` +
      `--path ${details.counterexamplePath}`
    : undefined;
  return { name, cases: details.numRuns, ...counts, slowestMs, totalMs, failure };
}

function described(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** What became of an attempt. */
export type Attempt<T> =
  | { readonly verdict: "taken"; readonly value: T }
  | { readonly verdict: "refused"; readonly error: Error };

/**
 * Runs code under attack.
 *
 * @throws {Breach} it ends with an error that is none of ours, or whose message is not one plain line without the canary
 */
export async function attempt<T>(run: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { verdict: "taken", value: await run() };
  } catch (error) {
    if (error instanceof Breach) throw error;
    if (!(error instanceof Error) || !TYPED.some((each) => error instanceof each)) {
      const shown = error instanceof Error ? error.stack ?? `${error.name}: ${error.message}` : String(error);
      throw new Breach(`an error that nobody foresaw: ${shown}`, { cause: error });
    }
    checkLine(`the message of the ${error.name}`, error.message);
    return { verdict: "refused", error };
  }
}

/**
 * Checks a text that people get to see.
 *
 * @param what it is
 * @throws {Breach} it is empty, not one plain line, endless, or has the canary in it
 */
export function checkLine(what: string, text: string): void {
  if (text.trim() === "") throw new Breach(`${what} is empty`);
  if (text.length > MAX_MESSAGE) throw new Breach(`${what} has ${text.length} characters: ${text.slice(0, 200)}`);
  if (NOT_PLAIN.test(text)) throw new Breach(`${what} is not one plain line: ${JSON.stringify(text)}`);
  checkSecret(what, text);
}

/** @throws {Breach} the canary is in a text */
export function checkSecret(what: string, text: string): void {
  if (text.includes(CANARY)) throw new Breach(`${what} has the secret in it: ${text}`);
}

/** One verdict of several: refused when one was. */
export function worst(attempts: readonly Attempt<unknown>[]): Verdict {
  return attempts.some(({ verdict }) => verdict === "refused") ? "refused" : "taken";
}
