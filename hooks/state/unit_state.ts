/**
 * Everything that must survive a hook, read once and written with the commit.
 *
 * @module
 */
import { type DeferredEntry, entryKey } from "../deferral.ts";
import { StateError } from "../errors.ts";
import { isRecord } from "../juju/shape.ts";
import { migrateState, type Migration, MIGRATIONS, SCHEMA_KEY, SCHEMA_VERSION } from "./schema.ts";
import { isEntry } from "./stored_entry.ts";

/** A status level and its message. */
export type StatusPair = readonly [level: string, message: string];

/** Statuses by who reported them; see status.ts. */
export interface StoredStatuses {
  /** Unit statuses by source. */
  unit: Record<string, StatusPair>;
  /** Application statuses by source. */
  application: Record<string, StatusPair>;
  /** Messages of handlers that returned `blocked`, by deferral key or flag handler. */
  blocked: Record<string, string>;
}

const PREFIX = "charmlet.";
/** Begins the keys of what modules store. */
export const STORED_PREFIX = `${PREFIX}stored.`;
/** Each deferred entry and each remote's fingerprints have a key of their own: Juju bounds a value, not their number. */
const DEFERRED_PREFIX = `${PREFIX}deferred.`;
const SEEN_PREFIX = `${PREFIX}seen.`;

/** Typed view of the stored keys and values of this unit. */
export class UnitState {
  /** Flags that are set. */
  readonly flags: Set<string>;
  /** Deferred handlers, oldest first. */
  deferred: DeferredEntry[];
  /** Statuses by source. */
  readonly statuses: StoredStatuses;
  /** Fingerprints of databag values that `changed` flags were raised for, by `relation/unit`. */
  readonly seen: Map<string, Record<string, string>>;
  readonly #raw: Readonly<Record<string, string>>;
  readonly #loaded: Readonly<Record<string, string>>;
  readonly #stored = new Map<string, unknown>();
  /** Number of each stored entry: the order of the first deferrals. */
  readonly #numbers: Map<string, number>;

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
    const numbers = this.#namesBelow(DEFERRED_PREFIX).map(entryNumber).sort((a, b) => a - b);
    const entries = numbers.map((number) => [this.#require(`deferred.${number}`, isEntry), number] as const);
    this.deferred = entries.map(([entry]) => entry);
    this.#numbers = new Map(entries.map(([entry, number]) => [entryKey(entry), number]));
    this.statuses = this.#read("statuses", isStatuses, { unit: {}, application: {}, blocked: {} });
    this.seen = new Map(
      this.#namesBelow(SEEN_PREFIX).map((remote) => [remote, this.#require(`seen.${remote}`, isPrints)]),
    );
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
    return [...new Set([...this.#namesBelow(STORED_PREFIX), ...this.#stored.keys()])].filter((scope) =>
      this.stored(scope) !== undefined
    );
  }

  /** What differs from what was loaded: new values, and null for keys that are to be removed. */
  changes(): Map<string, string | null> {
    const { unit, application, blocked } = this.statuses;
    const noStatus = [unit, application, blocked].every((part) => Object.keys(part).length === 0);
    const removed = Object.keys(this.#raw).filter((key) => !(key in this.#loaded));
    const next = new Map<string, string | null>([
      ...removed.map((key) => [key, null] as const),
      ...Object.entries(this.#loaded).filter(([key]) => key !== SCHEMA_KEY),
      [`${PREFIX}flags`, this.flags.size === 0 ? null : JSON.stringify([...this.flags].sort())],
      [`${PREFIX}statuses`, noStatus ? null : JSON.stringify(this.statuses)],
      ...this.#namesBelow(DEFERRED_PREFIX).map((number) => [DEFERRED_PREFIX + number, null] as const),
      ...this.#numbered().map(([number, entry]) => [DEFERRED_PREFIX + number, JSON.stringify(entry)] as const),
      ...this.#namesBelow(SEEN_PREFIX).map((remote) => [SEEN_PREFIX + remote, null] as const),
      ...[...this.seen].map(([remote, prints]) => [SEEN_PREFIX + remote, JSON.stringify(prints)] as const),
    ]);
    for (const [scope, value] of this.#stored) {
      next.set(`${STORED_PREFIX}${scope}`, value === undefined ? null : JSON.stringify(value));
    }
    const changes = new Map([...next].filter(([key, value]) => (this.#raw[key] ?? null) !== value));
    const version = String(SCHEMA_VERSION);
    if (changes.size > 0 && this.#raw[SCHEMA_KEY] !== version) changes.set(SCHEMA_KEY, version);
    return changes;
  }

  /** Entries with their numbers; new ones come last. */
  #numbered(): [number, DeferredEntry][] {
    let last = Math.max(-1, ...this.#numbers.values());
    return this.deferred.map((entry) => [this.#numbers.get(entryKey(entry)) ?? ++last, entry]);
  }

  #namesBelow(prefix: string): string[] {
    return Object.keys(this.#loaded).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  #read<T>(name: string, check: (value: unknown) => value is T, fallback: T): T {
    const text = this.#loaded[PREFIX + name];
    return text === undefined || text === "" ? fallback : this.#require(name, check);
  }

  #require<T>(name: string, check: (value: unknown) => value is T): T {
    const text = this.#loaded[PREFIX + name] ?? "";
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (value === undefined || !check(value)) {
      throw damagedState(PREFIX + name);
    }
    return value;
  }
}

/** The error for a stored value that is not as it was written. */
export function damagedState(key: string): StateError {
  return new StateError(
    `the stored state ${key} is damaged; ` +
      `look at it with: juju exec -u UNIT -- state-get ${key}, and remove it with state-delete`,
  );
}

/** The number in a deferred entry's key. @throws {StateError} when it is not as we write it */
function entryNumber(name: string): number {
  if (/^(?:0|[1-9]\d{0,14})$/.test(name)) return Number(name);
  throw damagedState(DEFERRED_PREFIX + name);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function isPairs(value: unknown): value is Record<string, StatusPair> {
  return isRecord(value) && Object.values(value).every((pair) => isStrings(pair) && pair.length === 2);
}

function isStatuses(value: unknown): value is StoredStatuses {
  return isRecord(value) && isPairs(value.unit) && isPairs(value.application) &&
    isRecord(value.blocked) && Object.values(value.blocked).every((message) => typeof message === "string");
}

function isPrints(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((print) => typeof print === "string");
}
