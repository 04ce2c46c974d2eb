/**
 * Kills hooks and actions at whatever they do for the first time: at each kind of statement that changes something, and
 * at each hook command that does. A part of a test has points of its own.
 *
 * @module
 */
import { join } from "node:path";
import { holdSends } from "../killed_requests.ts";
import type { Lab } from "../units.ts";
import { sendSignal } from "../units_processes.ts";
import { type GeneralLogs, readAll } from "./general_logs.ts";

/** How often a point is tried: a machine that is busy kills too late. */
const TRIES = 2;
/** Microseconds after each send in which the program does nothing, and is seen to have sent it. */
const HOLD_US = 10_000;
const POLL_MS = 2;
/** Hook commands that change something, among what is sent to the agent. */
const COMMANDS =
  /(?:relation|state|status|action|application-version)-(?:set|delete|log|fail)|secret-(?:add|set|grant|revoke|remove)/g;

/** Points of a kind: those that there are, and those at which a run was killed. */
export interface Tally {
  readonly what: string;
  readonly seen: Set<string>;
  readonly hit: Set<string>;
}

interface Run {
  readonly app: string;
  /** What it sends. */
  readonly trace: string;
  file?: Deno.FsFile | undefined;
  /** What it did last. */
  last?: { readonly tally: Tally; readonly point: string };
  killed: boolean;
}

/** The points of a part. One hook at a time: the model's concurrency is 1. */
export class KillPoints {
  readonly statements = tallyOf("kinds of statements that change something");
  readonly commands = tallyOf("hook commands that change something");
  readonly #tries = new Map<string, number>();
  #run: Run | undefined;

  constructor(readonly lab: Lab, readonly logs: GeneralLogs) {}

  /** Kills from now on until it is disposed of. */
  arm(): Disposable {
    this.logs.read();
    this.lab.intercept = (unit, command) => {
      this.#end();
      const trace = join(this.lab.directory, `run-${crypto.randomUUID()}`);
      this.#run = { app: unit.split("/")[0] ?? "", trace, killed: false };
      return holdSends(trace, HOLD_US, command);
    };
    const timer = setInterval(() => this.#look(), POLL_MS);
    return {
      [Symbol.dispose]: () => {
        this.lab.intercept = undefined;
        this.#end();
        clearInterval(timer);
      },
    };
  }

  /** What a run that was killed did last is where it was killed. */
  #end(): void {
    this.#look();
    const last = this.lab.model.timeline.at(-1)?.outcome === "killed" ? this.#run?.last : undefined;
    last?.tally.hit.add(last.point);
    this.#run?.file?.close();
    this.#run = undefined;
  }

  #look(): void {
    for (const statement of this.logs.read()) this.#see(this.statements, statement);
    const run = this.#run;
    if (!run) return;
    run.file ??= openIfThere(run.trace);
    const sent = run.file ? readAll(run.file) : "";
    for (const [command] of sent.matchAll(COMMANDS)) this.#see(this.commands, `${run.app}'s ${command}`);
  }

  #see(tally: Tally, point: string): void {
    tally.seen.add(point);
    const run = this.#run;
    if (!run) return;
    run.last = { tally, point };
    const tries = this.#tries.get(point) ?? 0;
    if (run.killed || tally.hit.has(point) || tries >= TRIES) return;
    const group = readIfThere(`${run.trace}.pid`);
    // It has not begun: somebody else sent the statement.
    if (group === undefined) return;
    this.#tries.set(point, tries + 1);
    run.killed = true;
    sendSignal(-Number(group), "SIGKILL");
  }
}

/** How many points there were, at how many something was killed, and at which nothing was. */
export function inWords({ what, seen, hit }: Tally): string {
  const missed = [...seen].filter((point) => !hit.has(point));
  return `${hit.size} of ${seen.size} ${what}${missed.length > 0 ? `; not ${missed.join("; ")}` : ""}`;
}

function tallyOf(what: string): Tally {
  return { what, seen: new Set(), hit: new Set() };
}

function openIfThere(path: string): Deno.FsFile | undefined {
  return ifThere(() => Deno.openSync(path));
}

function readIfThere(path: string): string | undefined {
  // The shell makes the file before it writes into it.
  return ifThere(() => Deno.readTextFileSync(path)) || undefined;
}

function ifThere<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
