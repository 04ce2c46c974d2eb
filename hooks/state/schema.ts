/**
 * Version of the layout in which state is stored, and the way from older layouts to it.
 *
 * @module
 */
import { StateError } from "../errors.ts";

/** The layout that this executable writes. */
export const SCHEMA_VERSION = 1;

/** Key under which the version stands. */
export const SCHEMA_KEY = "charmlet";

/** Turns the state of one layout into that of the next. */
export type Migration = (state: Readonly<Record<string, string>>) => Record<string, string>;

/** What leads to the current layout: `MIGRATIONS.get(1)` turns version 1 into 2. */
export const MIGRATIONS: ReadonlyMap<number, Migration> = new Map();

/**
 * Brings stored state to a target layout. State without a version is that of a unit that never stored any.
 *
 * @param stored keys and values as stored
 * @throws {StateError} when a newer executable wrote it, or no migration leads on
 */
export function migrateState(
  stored: Readonly<Record<string, string>>,
  target: number = SCHEMA_VERSION,
  migrations: ReadonlyMap<number, Migration> = MIGRATIONS,
): Record<string, string> {
  const marker = stored[SCHEMA_KEY];
  if (marker === undefined) return { ...stored };
  let version = Number(marker);
  if (!Number.isInteger(version) || version < 1) {
    throw new StateError(
      `stored state has the unusable schema version ${JSON.stringify(marker.slice(0, 20))}; ` +
        `remove it with: juju exec -u UNIT -- state-delete ${SCHEMA_KEY}`,
    );
  }
  if (version > target) {
    throw new StateError(
      `stored state has schema version ${version}, this executable knows ${target}: ` +
        "a newer charm revision wrote it; upgrade the charm again (juju refresh)",
    );
  }
  let state: Record<string, string> = { ...stored };
  for (; version < target; version++) {
    const migrate = migrations.get(version);
    if (!migrate) throw new StateError(`no migration leads from state schema ${version} to ${version + 1}`);
    state = { ...migrate(state), [SCHEMA_KEY]: String(version + 1) };
  }
  return state;
}
