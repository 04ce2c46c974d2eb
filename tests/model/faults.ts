/**
 * Faults that a test plants into hook runs, as plain data.
 *
 * @module
 */

/** What goes wrong, where and when. */
export interface Fault {
  /** Only this unit; every unit when absent. */
  readonly unit?: string;
  /** Only this hook or action, by its full name; every one when absent. */
  readonly hook?: string;
  /** The n-th run (from 1) of what `unit` and `hook` select; every run when absent. */
  readonly occurrence?: number;
  /**
   * The instant: around the n-th hook command of the run (from 1) or around every one; or between the end of the
   * process and the commit; or after the commit, before the agent has noted that the hook is done.
   */
  readonly at:
    | { readonly command: number | "every"; readonly when: "before" | "after" }
    | "before-commit"
    | "after-commit";
  /**
   * `kill`: SIGKILL to the hook and its children (around a commit: to the agent); the hook is run again.
   * `lose-leadership`: another unit leads from now on, or nobody if there is no other.
   * `close`: the agent closes the connection instead of answering. `garbage`: it answers with bytes that are no gob.
   * `delayMs`: it answers so much later, in real milliseconds.
   */
  readonly do: "kill" | "lose-leadership" | "close" | "garbage" | { readonly delayMs: number };
}

/** Moments of a run at which faults can strike. */
export type Moment = { command: number; when: "before" | "after" } | "before-commit" | "after-commit";

/** The planted faults with the count of runs that each has seen. */
export interface FaultPlan {
  readonly entries: { readonly fault: Fault; runs: number }[];
}

/**
 * A plan of faults. More can be added to its entries at any time.
 *
 * @param faults the faults
 * @throws {RangeError} a fault that can never strike
 */
export function createFaultPlan(faults: readonly Fault[]): FaultPlan {
  const plan: FaultPlan = { entries: [] };
  for (const fault of faults) addFault(plan, fault);
  return plan;
}

/**
 * Adds a fault; runs that already began do not count for its occurrence.
 *
 * @param plan the plan
 * @param fault the fault
 * @throws {RangeError} it can never strike
 */
export function addFault(plan: FaultPlan, fault: Fault): void {
  const needsCommand = fault.do !== "kill" && fault.do !== "lose-leadership";
  if (typeof fault.at === "string" && needsCommand) {
    throw new RangeError(`a fault ${JSON.stringify(fault.do)} needs a hook command: give at: {command, when}`);
  }
  if (typeof fault.at === "object" && fault.at.command !== "every" && !(fault.at.command >= 1)) {
    throw new RangeError(`hook commands are counted from 1, got ${fault.at.command}`);
  }
  if (fault.occurrence !== undefined && !(fault.occurrence >= 1)) {
    throw new RangeError(`runs are counted from 1, got ${fault.occurrence}`);
  }
  plan.entries.push({ fault, runs: 0 });
}

/**
 * Counts a run and returns the faults that may strike in it.
 *
 * @param plan the plan
 * @param unit the unit that runs
 * @param hook full name of the hook or action
 */
export function faultsOfRun(plan: FaultPlan, unit: string, hook: string): Fault[] {
  return plan.entries.filter((entry) => {
    const { fault } = entry;
    if ((fault.unit ?? unit) !== unit || (fault.hook ?? hook) !== hook) return false;
    entry.runs++;
    return fault.occurrence === undefined || fault.occurrence === entry.runs;
  }).map((entry) => entry.fault);
}

/**
 * The faults that strike at a moment, in the order in which they were planted.
 *
 * @param faults faults of the run
 * @param moment the moment
 */
export function strikes(faults: readonly Fault[], moment: Moment): Fault["do"][] {
  return faults.filter(({ at }) => {
    if (typeof at === "string" || typeof moment === "string") return at === moment;
    return at.when === moment.when && (at.command === "every" || at.command === moment.command);
  }).map((fault) => fault.do);
}
