/**
 * A hook that is killed at every point, and run again by the agent, has to end as if it had not been killed.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { killAtRequest, killAtSend, type RequestPoint, requestsOf, traceCommand } from "./killed_requests.ts";
import type { Lab } from "./units.ts";

/** Requests at which a hook is killed: the first ones, so that a scenario does not take for ever. */
const MAX_REQUESTS = 25;
/** Another run need not come past each point, as who waits asks more or less often; but past some. */
const MIN_KILLS = 10;

/** One time through the scenario, from the prepared state. */
export interface Round extends AsyncDisposable {
  readonly lab: Lab;
  /** The unit whose hook is killed. */
  readonly unit: string;
  /** Makes the hook run, and waits for everything that follows from it. */
  act(): Promise<void>;
  /** What has to be the same in every round: plain data without addresses, ids and certificates of this round. */
  end(): Promise<unknown>;
}

/** A scenario whose hook is killed. */
export interface KillOptions {
  /** Full name of the hook or action. */
  readonly hook: string;
  /** Which of its runs in {@linkcode Round.act}; the first when absent. */
  readonly occurrence?: number;
  /** Prepares a round: in a lab of its own, or in the same one, made as it was before. */
  readonly begin: () => Promise<Round>;
  /** Told after every round. */
  readonly report?: (point: string, ms: number) => void;
}

/** Where a hook is killed. */
type KillPoint =
  | { readonly command: number; readonly name: string }
  | "before-commit"
  | "after-commit"
  | { readonly request: RequestPoint; readonly when: "before" | "after" };

/** What was done. */
export interface KillReport {
  /** Hook commands of the run without a kill. */
  readonly commands: number;
  /** Its requests to servers. */
  readonly requests: number;
  /** Rounds with a kill. */
  readonly kills: number;
}

/**
 * Runs a scenario once as it is, and then once for each point at which its hook is killed: after each hook command,
 * before and after the commit, before the first request on a TCP connection, and after each of the first requests: when
 * the server has it and the answer has not been read. Fails when a round ends otherwise than the one without a kill.
 *
 * @param options scenario and hook; the unit's hooks must be retried by the model
 */
export async function killEverywhere(options: KillOptions): Promise<KillReport> {
  const undisturbed = await undisturbedRound(options);
  const requests = undisturbed.requests.slice(0, MAX_REQUESTS);
  const points: KillPoint[] = [
    ...undisturbed.commands.map((name, index) => ({ command: index + 1, name })),
    "before-commit",
    "after-commit",
    ...requests.slice(0, 1).map((request) => ({ request, when: "before" }) as const),
    ...requests.map((request) => ({ request, when: "after" }) as const),
  ];
  let kills = 0;
  for (const point of points) {
    const start = performance.now();
    const { end, wasKilled } = await killedRound(options, point);
    assertEquals(end, undisturbed.end, `${options.hook} killed ${inWords(point)}`);
    if (wasKilled) kills++;
    options.report?.(inWords(point), performance.now() - start);
  }
  assert(kills >= Math.min(MIN_KILLS, points.length), `only ${kills} of ${points.length} points were reached`);
  return {
    commands: undisturbed.commands.length,
    requests: undisturbed.requests.length,
    kills,
  };
}

/**
 * From now on every hook of a lab is killed again and again, each time some sends later, until it comes through; hooks
 * take turns in where they begin. The model has to retry often enough.
 *
 * @param lab the lab
 * @param stride how many sends later the next attempt is killed; 1: each hook at every send
 */
export function killRelentlessly(lab: Lab, stride = 1): Disposable {
  let hooks = 0;
  const attempts = new Map<string, { readonly first: number; killed: number }>();
  lab.intercept = (unit, command, name) => {
    const last = lab.model.timeline.findLast((run) => run.unit === unit && run.kind === "hook");
    const known = last?.outcome === "killed" && last.name === name ? attempts.get(unit) : undefined;
    const attempt = known ?? { first: hooks++ % stride + 1, killed: 0 };
    attempts.set(unit, attempt);
    return killAtSend(attempt.first + stride * attempt.killed++, command);
  };
  return notIntercepted(lab);
}

async function undisturbedRound({ hook, occurrence = 1, begin }: KillOptions) {
  await using round = await begin();
  const { lab, unit } = round;
  const trace = join(lab.directory, `requests-${crypto.randomUUID()}`);
  const runs = runsOf(round, hook);
  using _ = intercept(round, hook, occurrence, (command) => traceCommand(trace, command));
  await round.act();
  const run = runs()[occurrence - 1];
  assert(run?.outcome === "done", `${unit} ran ${hook} ${runs().length} times, the last one ${run?.outcome}`);
  return {
    end: await round.end(),
    commands: run.commands.map(({ name }) => name),
    requests: await requestsOf(trace),
  };
}

async function killedRound({ hook, occurrence = 1, begin }: KillOptions, point: KillPoint) {
  await using round = await begin();
  const runs = runsOf(round, hook);
  if (typeof point === "object" && "request" in point) {
    const trace = join(round.lab.directory, `killed-${crypto.randomUUID()}`);
    const killer = killAtRequest(trace, point.request, point.when);
    using _ = intercept(round, hook, occurrence, killer.command);
    await round.act();
    await killer.stop();
  } else {
    const at = typeof point === "string" ? point : { command: point.command, when: "after" } as const;
    round.lab.model.addFault({ unit: round.unit, hook, occurrence, at, do: "kill" });
    await round.act();
  }
  const kills = runs().filter(({ outcome }) => outcome === "killed").length;
  // A run that has to wait for something, or finds it there sooner than the first one did, does less.
  const mayMiss = typeof point === "object";
  assert(kills === 1 || (kills === 0 && mayMiss), `${kills} kills ${inWords(point)}`);
  return { end: await round.end(), wasKilled: kills === 1 };
}

/** The runs of a hook since now. */
function runsOf({ lab: { model }, unit }: Round, hook: string) {
  const from = model.timeline.length;
  return () => model.timeline.slice(from).filter((run) => run.unit === unit && run.name === hook);
}

/** Runs one run of a hook in another way. */
function intercept(
  { lab, unit }: Round,
  hook: string,
  occurrence: number,
  change: (command: readonly string[]) => readonly string[],
): Disposable {
  let runs = 0;
  lab.intercept = (ranBy, command, name) => {
    if (ranBy !== unit || name !== hook || ++runs !== occurrence) return command;
    return change(command);
  };
  return notIntercepted(lab);
}

function notIntercepted(lab: Lab): Disposable {
  return {
    [Symbol.dispose]() {
      lab.intercept = undefined;
    },
  };
}

function inWords(point: KillPoint): string {
  if (typeof point === "string") return point;
  if ("command" in point) return `after hook command ${point.command}, ${point.name}`;
  return `${point.when} request ${point.request.number}`;
}
