/**
 * What a module keeps from hook to hook.
 *
 * @module
 */
import { isRecord } from "./juju/shape.ts";
import { damagedState, STORED_PREFIX, type UnitState } from "./state/unit_state.ts";

/** A JSON value with the version of its layout. */
interface Versioned {
  readonly version: number;
  readonly value: unknown;
}

/** One module's stored value. It is read with a check, because another revision of the charm may have written it. */
export class StoredValue {
  readonly #state: UnitState;
  readonly #scope: string;

  constructor(state: UnitState, scope: string) {
    this.#state = state;
    this.#scope = scope;
  }

  /**
   * The stored value, or the fallback when none is stored.
   *
   * @param read turns what is stored (and the version under which it was stored) into the value; throws when it cannot
   * @throws {StateError} when what is stored is damaged
   */
  get<T>(fallback: T, read: (value: unknown, version: number) => T): T {
    const stored = this.#state.stored(this.#scope);
    if (stored === undefined) return fallback;
    if (!isVersioned(stored)) throw damagedState(`${STORED_PREFIX}${this.#scope}`);
    return read(stored.value, stored.version);
  }

  /**
   * Stores a JSON value when the hook commits; undefined forgets it.
   *
   * @param version of the value's layout; raise it when the layout changes, and let `get` read the older ones
   */
  set(value: unknown, version = 1): void {
    this.#state.store(this.#scope, value === undefined ? undefined : { version, value } satisfies Versioned);
  }
}

function isVersioned(value: unknown): value is Versioned {
  return isRecord(value) && typeof value.version === "number" && "value" in value;
}
