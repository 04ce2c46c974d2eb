/**
 * Everything that must survive a hook, read once and written with the commit.
 *
 * @module
 */
import type { DeferredEntry } from "../deferral.ts";
import { StateError } from "../errors.ts";
import { isRecord } from "../juju/shape.ts";
import { migrateState, type Migration, MIGRATIONS, SCHEMA_KEY, SCHEMA_VERSION } from "./schema.ts";

/** A status level and its message. */
export type StatusPair = readonly [level: string, message: string];

/** Statuses by who reported them; see status.ts. */
export interface StoredStatuses {
  /** Unit statuses by source. */
  unit: Record<string, StatusPair>;
  /** Application statuses by source. */
  application: Record<string, StatusPair>;
  /** Messages of handlers that returned `blocked`, by deferral key. */
  blocked: Record<string, string>;
  /** What was last set, by scope. */
  shown: Partial<Record<"unit" | "application", StatusPair>>;
}

const PREFIX = "charmlet.";
const STORED_PREFIX = `${PREFIX}stored.`;

/** Typed view of the stored keys and values of this unit. */
export class UnitState {
  /** Flags that are set. */
  readonly flags: Set<string>;
  /** Deferred handlers, oldest first. */
  deferred: DeferredEntry[];
  /** Statuses by source. */
  readonly statuses: StoredStatuses;
  /** Fingerprints of databag values that a `changed` flag was raised for, by `relation/unit`. */
  readonly seen: Record<string, Record<string, string>>;
  readonly #raw: Readonly<Record<string, string>>;
  readonly #loaded: Readonly<Record<string, string>>;
  readonly #stored = new Map<string, unknown>();

  /**
   * @param raw keys and values as stored, in whatever layout
   * @throws {StateError} when a newer executable wrote them, or a value is damaged
   */
  constructor(
    raw: Readonly<Record<string, string>>,
    target: number = SCHEMA_VERSION,
    migrations: ReadonlyMap<number, Migration> = MIGRATIONS,
  ) {
    this.#raw = raw;
    this.#loaded = migrateState(raw, target, migrations);
    this.flags = new Set(this.#read("flags", isStrings, []));
    this.deferred = this.#read("deferred", isEntries, []);
    this.statuses = this.#read("statuses", isStatuses, { unit: {}, application: {}, blocked: {}, shown: {} });
    this.seen = this.#read("seen", isSeen, {});
  }

  /** The value that a scope (an endpoint, or the charm) stored; undefined when none. */
  stored(scope: string): unknown {
    if (this.#stored.has(scope)) return this.#stored.get(scope);
    return this.#read(`stored.${scope}`, (_value): _value is unknown => true, undefined);
  }

  /** Stores a JSON value for a scope; undefined forgets it. */
  store(scope: string, value: unknown): void {
    this.#stored.set(scope, value);
  }

  /** Names of the scopes that have stored something. */
  storedScopes(): string[] {
    const loaded = Object.keys(this.#loaded).filter((key) => key.startsWith(STORED_PREFIX))
      .map((key) => key.slice(STORED_PREFIX.length));
    return [...new Set([...loaded, ...this.#stored.keys()])].filter((scope) => this.stored(scope) !== undefined);
  }

  /** What differs from what was loaded: new values, and null for keys that are to be removed. */
  changes(): Map<string, string | null> {
    const { unit, application, blocked, shown } = this.statuses;
    const noStatus = [unit, application, blocked, shown].every((part) => Object.keys(part).length === 0);
    const removed = Object.keys(this.#raw).filter((key) => !(key in this.#loaded));
    const next = new Map<string, string | null>([
      ...removed.map((key) => [key, null] as const),
      ...Object.entries(this.#loaded).filter(([key]) => key !== SCHEMA_KEY),
      [`${PREFIX}flags`, this.flags.size === 0 ? null : JSON.stringify([...this.flags].sort())],
      [`${PREFIX}deferred`, this.deferred.length === 0 ? null : JSON.stringify(this.deferred)],
      [`${PREFIX}statuses`, noStatus ? null : JSON.stringify(this.statuses)],
      [`${PREFIX}seen`, Object.keys(this.seen).length === 0 ? null : JSON.stringify(this.seen)],
    ]);
    for (const [scope, value] of this.#stored) {
      next.set(`${STORED_PREFIX}${scope}`, value === undefined ? null : JSON.stringify(value));
    }
    const changes = new Map([...next].filter(([key, value]) => (this.#raw[key] ?? null) !== value));
    const version = String(SCHEMA_VERSION);
    if (changes.size > 0 && this.#raw[SCHEMA_KEY] !== version) changes.set(SCHEMA_KEY, version);
    return changes;
  }

  #read<T>(name: string, check: (value: unknown) => value is T, fallback: T): T {
    const text = this.#loaded[PREFIX + name];
    if (text === undefined || text === "") return fallback;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (value === undefined || !check(value)) {
      throw new StateError(
        `the stored state ${PREFIX}${name} is damaged; ` +
          `look at it with: juju exec -u UNIT -- state-get ${PREFIX}${name}, and remove it with state-delete`,
      );
    }
    return value;
  }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function isEntries(value: unknown): value is DeferredEntry[] {
  return Array.isArray(value) &&
    value.every((entry) =>
      isRecord(entry) && typeof entry.handler === "string" && isRecord(entry.event) &&
      typeof entry.event.name === "string" && typeof entry.due === "number" && typeof entry.firstSeen === "number" &&
      typeof entry.attempts === "number" && typeof entry.reason === "string"
    );
}

function isPairs(value: unknown): value is Record<string, StatusPair> {
  return isRecord(value) && Object.values(value).every((pair) => isStrings(pair) && pair.length === 2);
}

function isStatuses(value: unknown): value is StoredStatuses {
  return isRecord(value) && isPairs(value.unit) && isPairs(value.application) && isPairs(value.shown) &&
    isRecord(value.blocked) && Object.values(value.blocked).every((message) => typeof message === "string");
}

function isSeen(value: unknown): value is Record<string, Record<string, string>> {
  return isRecord(value) &&
    Object.values(value).every((bag) =>
      isRecord(bag) && Object.values(bag).every((print) => typeof print === "string")
    );
}
