/**
 * One run of the executable for one hook or action: the agent, what was read, what is to be written.
 *
 * @module
 */
import type { CharmMetadata } from "./charm/metadata.ts";
import { Effects } from "./effects.ts";
import type { HookCommands } from "./juju/commands.ts";
import type { BagScope } from "./juju/commands/relation.ts";
import type { JujuEnvironment } from "./juju/environment.ts";
import type { Logger } from "./log.ts";
import type { Redactor } from "./redact.ts";
import type { UnitState } from "./state/unit_state.ts";

/** What a session is made of. */
export interface SessionParts {
  readonly environment: JujuEnvironment;
  readonly charm: CharmMetadata;
  readonly commands: HookCommands;
  readonly state: UnitState;
  readonly log: Logger;
  readonly redactor: Redactor;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Shared by all handlers of a hook. Reads are asked once each. */
export class Session {
  readonly environment: JujuEnvironment;
  readonly charm: CharmMetadata;
  readonly commands: HookCommands;
  readonly state: UnitState;
  readonly log: Logger;
  readonly redactor: Redactor;
  readonly now: () => number;
  readonly effects = new Effects();
  readonly #reads = new Map<string, Promise<unknown>>();

  constructor(parts: SessionParts) {
    this.environment = parts.environment;
    this.charm = parts.charm;
    this.commands = parts.commands;
    this.state = parts.state;
    this.log = parts.log;
    this.redactor = parts.redactor;
    this.now = parts.now;
  }

  /** Name of this unit, such as `db/0`. */
  get unit(): string {
    return this.environment.unitName;
  }

  /** Name of this application. */
  get application(): string {
    return applicationOf(this.environment.unitName);
  }

  /** Asks once; later callers get the same answer. */
  once<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#reads.get(key);
    if (known) return known as Promise<T>;
    const answer = ask();
    this.#reads.set(key, answer);
    return answer;
  }

  /** Gives later callers of {@linkcode Session.once} an answer that another read has brought. */
  remember(key: string, answer: unknown): void {
    this.#reads.set(key, Promise.resolve(answer));
  }

  /** Whether this unit leads; true holds for about 30 s from the first call. */
  isLeader(): Promise<boolean> {
    return this.once("leader", () => this.commands.leadership.isLeader());
  }

  /** Numbers of the relations of an endpoint. */
  relationIds(endpoint: string): Promise<number[]> {
    return this.once(`ids ${endpoint}`, () => this.commands.relation.ids(endpoint));
  }

  /** A databag as Juju has it. */
  bag(relationId: number, scope: BagScope, of: string): Promise<Record<string, string>> {
    return this.once(`bag ${relationId} ${scope} ${of}`, () => this.commands.relation.get(relationId, scope, of));
  }

  /** Which own bag's name stands for a scope. */
  own(scope: BagScope): string {
    return scope === "app" ? this.application : this.unit;
  }
}

/** Application of a unit: `db` of `db/0`. */
export function applicationOf(unit: string): string {
  return unit.slice(0, unit.lastIndexOf("/"));
}

/** Number of a unit: 0 of `db/0`. */
export function unitNumber(unit: string): number {
  return Number(unit.slice(unit.lastIndexOf("/") + 1));
}

/** Orders unit names by application, then by number: `db/2` before `db/10`. */
export function compareUnits(a: string, b: string): number {
  const [left, right] = [applicationOf(a), applicationOf(b)];
  if (left !== right) return left < right ? -1 : 1;
  return unitNumber(a) - unitNumber(b);
}
