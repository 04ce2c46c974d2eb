/**
 * Flags, as in charms.reactive: names that are set or not, kept from hook to hook.
 *
 * @module
 */

/** Flags of this unit. Changes commit with the databags. */
export class Flags {
  readonly #flags: Set<string>;

  constructor(flags: Set<string>) {
    this.#flags = flags;
  }

  /** Whether a flag is set. */
  has(flag: string): boolean {
    return this.#flags.has(flag);
  }

  /** Sets a flag. */
  set(flag: string): void {
    this.#flags.add(flag);
  }

  /** Clears a flag. */
  clear(flag: string): void {
    this.#flags.delete(flag);
  }

  /** Sets or clears a flag. */
  toggle(flag: string, on: boolean): void {
    if (on) this.set(flag);
    else this.clear(flag);
  }

  /** All flags that are set, sorted. */
  all(): string[] {
    return [...this.#flags].sort();
  }
}

/** Which flags a handler waits for. */
export interface FlagCondition {
  /** All of these are set. */
  readonly when?: readonly string[];
  /** None of these is set. */
  readonly whenNot?: readonly string[];
  /** At least one of these is set. */
  readonly whenAny?: readonly string[];
}

/** Whether a condition holds. */
export function conditionHolds(condition: FlagCondition, flags: ReadonlySet<string>): boolean {
  const { when = [], whenNot = [], whenAny = [] } = condition;
  return when.every((flag) => flags.has(flag)) && !whenNot.some((flag) => flags.has(flag)) &&
    (whenAny.length === 0 || whenAny.some((flag) => flags.has(flag)));
}

/** Every flag that a condition looks at. */
export function flagsOf({ when = [], whenNot = [], whenAny = [] }: FlagCondition): readonly string[] {
  return [...when, ...whenNot, ...whenAny];
}
