/**
 * Kills hooks and actions at whatever they do for the first time. A part of a test has points of its own.
 *
 * @module
 */
import { join } from "node:path";
import { stopAtSends } from "../killed_requests.ts";
import type { Lab } from "../units.ts";
import type { GeneralLogs } from "./general_logs.ts";
import { SteppedRun } from "./stepped_run.ts";

const POLL_MS = 2;
/** How long a program stays stopped until a server's log says what it sent. Of some it says nothing. */
const ARRIVAL_MS = 60;
/** Who waits asks the same again and again. */
const MAX_ALIKE = 12;

/** Statements that read, or say something of the session only. */
const READS = /^(?:Connect|Quit|SELECT|SHOW|SET SESSION|SET @|START TRANSACTION)/i;
/** Functions that change something. */
const ACTS = /^SELECT (?:asynchronous_connection_failover|group_replication_|GET_LOCK)\w*/i;
/** Hook commands that do. */
const CHANGING =
  /^(?:(?:relation|state|status|action|application-version)-(?:set|delete|log|fail)|secret-(?:add|set|grant|revoke|remove))$/;

/** What there is, and where a run was killed. */
export interface Tally {
  readonly what: string;
  readonly seen: Set<string>;
  readonly hit: Set<string>;
}

/** What a point is: a request of a hook or action, one of those that change something, or a kind of these. */
export type Point = "request" | "change" | "kind of change";

/** At which points runs are killed. */
export interface Aim {
  readonly each: Point;
  /** Only every so many points, beginning with one of them: `[0, 3]` are the points 0, 3, 6 … in no certain order. */
  readonly share?: readonly [first: number, of: number];
}

interface Run {
  readonly unit: string;
  readonly name: string;
  readonly program: SteppedRun;
  /** How often it has asked the same. */
  readonly asked: Map<string, number>;
  /** When it sent what only the server's log can tell. */
  encryptedAt?: number | undefined;
  /** Where it was killed. */
  end?: { readonly tally: Tally; readonly point: string };
}

/** The points of a part. One hook at a time: the model's concurrency is 1. */
export class KillPoints {
  readonly statements: Tally;
  readonly commands: Tally;
  #run: Run | undefined;

  constructor(readonly lab: Lab, readonly logs: GeneralLogs, readonly aim: Aim) {
    const kinds = aim.each === "kind of change" ? "kinds of " : "";
    const changing = aim.each === "request" ? "" : " that change something";
    this.statements = tallyOf(`${kinds}statements${changing}`);
    this.commands = tallyOf(`${kinds}hook commands${changing}`);
  }

  /** Kills from now on until it is disposed of. */
  arm(): Disposable {
    this.logs.read();
    this.lab.intercept = (unit, command, name) => {
      this.#end();
      const trace = join(this.lab.directory, `run-${crypto.randomUUID()}`);
      this.#run = { unit, name, program: new SteppedRun(trace), asked: new Map() };
      return stopAtSends(trace, command);
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

  /** A run that was told to die may have come to its end before. */
  #end(): void {
    this.#look();
    const end = this.lab.model.timeline.at(-1)?.outcome === "killed" ? this.#run?.end : undefined;
    end?.tally.hit.add(end.point);
    this.#run?.program[Symbol.dispose]();
    this.#run = undefined;
  }

  #look(): void {
    const arrived = this.logs.read();
    const run = this.#run;
    const sent = run?.program.look();
    // Before it begins, what arrives is late, and of another run.
    if (!run || !sent) return;
    for (const request of sent) {
      if (request.kind === "encrypted") run.encryptedAt = performance.now();
      else if (request.kind === "command") this.#see(run, this.commands, request.name);
      else this.#see(run, this.statements, kindOf(request.text));
    }
    for (const text of arrived) this.#see(run, this.statements, kindOf(text));
    if (arrived.length > 0 || performance.now() - (run.encryptedAt ?? 0) > ARRIVAL_MS) run.encryptedAt = undefined;
    if (run.program.isStopped && run.encryptedAt === undefined) run.program.goOn();
  }

  #see(run: Run, tally: Tally, request: string): void {
    const point = this.#pointOf(run, tally === this.commands, request);
    if (point === undefined || !this.#isMeant(point)) return;
    tally.seen.add(point);
    if (run.end || tally.hit.has(point)) return;
    run.end = { tally, point };
    run.program.kill();
  }

  #pointOf(run: Run, isCommand: boolean, request: string): string | undefined {
    const change = this.aim.each === "request" ? request : changing(run, isCommand, request);
    return change === undefined || this.aim.each === "kind of change" ? change : numbered(run, request);
  }

  #isMeant(point: string): boolean {
    const [first, of] = this.aim.share ?? [0, 1];
    let hash = 0;
    for (let index = 0; index < point.length; index++) hash = (hash * 31 + point.charCodeAt(index)) % 65_521;
    return hash % of === first;
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

function numbered({ unit, name, asked }: Run, request: string): string | undefined {
  const number = (asked.get(request) ?? 0) + 1;
  asked.set(request, number);
  return number > MAX_ALIKE ? undefined : `${unit} ${name}: ${request} (${number})`;
}

function changing({ unit }: Run, isCommand: boolean, request: string): string | undefined {
  if (isCommand) return CHANGING.test(request) ? `${unit.split("/")[0]}'s ${request}` : undefined;
  return ACTS.exec(request)?.[0] ?? (READS.test(request) ? undefined : request);
}

/** A statement without its values. */
function kindOf(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().replaceAll(/'(?:[^'\\]|\\.|'')*'?/g, "?").replaceAll(/\b\d+\b/g, "?");
}
