/**
 * Checks of what a unit remembers: another revision of the charm may have written it, and what is damaged must not be
 * taken for nothing, because a unit that forgets its cluster could make another one.
 *
 * @module
 */
import { StateError } from "../hooks/errors.ts";

/** What each part of a memory has to be. */
export type PartChecks<M> = { readonly [K in keyof Required<M>]: (value: unknown) => boolean };

/**
 * A stored value as the memory that it is. Parts that this revision does not know stay.
 *
 * @throws {StateError} when it is no map, or a part of it is something else than it has to be
 */
export function readParts<M extends object>(value: unknown, checks: PartChecks<M>): M {
  if (!isMap(value)) throw damaged("everything");
  for (const [name, isValid] of Object.entries<(value: unknown) => boolean>(checks)) {
    const part = Object.hasOwn(value, name) ? value[name] : undefined;
    if (part !== undefined && !isValid(part)) throw damaged(name);
  }
  return value as M;
}

export const isText = (value: unknown): value is string => typeof value === "string";
export const isFlag = (value: unknown): boolean => typeof value === "boolean";
export const isNumber = (value: unknown): boolean => typeof value === "number";
export const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

/** Checks a map whose parts are all there. */
export function isMadeOf(checks: Readonly<Record<string, (value: unknown) => boolean>>): (value: unknown) => boolean {
  return (value) =>
    isMap(value) &&
    Object.entries(checks).every(([name, isValid]) => Object.hasOwn(value, name) && isValid(value[name]));
}

/** Checks every entry of a list or map. */
export function isAll(kind: "list" | "map", isValid: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) =>
    (kind === "list" ? Array.isArray(value) : isMap(value)) && Object.values(Object(value)).every(isValid);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function damaged(part: string): StateError {
  return new StateError(
    `what this unit remembers (${part}) is damaged; look at it with: juju exec -u UNIT -- state-get, and mend it with state-set`,
  );
}
