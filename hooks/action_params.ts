/**
 * Parameters of an action, checked against the JSON schema in actions.yaml.
 *
 * @module
 */
import type { ActionSpec } from "./charm/metadata.ts";
import { ValueError } from "./errors.ts";
import { isRecord } from "./juju/shape.ts";

const TYPE_CHECKS: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ["string", (value) => typeof value === "string"],
  ["number", (value) => typeof value === "number"],
  ["integer", (value) => Number.isInteger(value)],
  ["boolean", (value) => typeof value === "boolean"],
  ["array", (value) => Array.isArray(value)],
  ["object", isRecord],
  ["null", (value) => value === null],
]);

/** Checked parameters. A parameter that was not given and has no default is undefined. */
export class ActionParams {
  readonly #values: Readonly<Record<string, unknown>>;

  /**
   * @param values what action-get gave
   * @throws {ValueError} naming the parameter and what it must be
   */
  constructor(spec: ActionSpec, values: Readonly<Record<string, unknown>>) {
    const missing = spec.required.filter((name) => own(values, name) === undefined);
    if (missing.length > 0) throw new ValueError(`parameter ${missing.join(", ")} is required: give it as NAME=VALUE`);
    const defaults: [string, unknown][] = [];
    for (const [name, schema] of Object.entries(spec.params)) {
      if (isRecord(schema) && Object.hasOwn(schema, "default")) defaults.push([name, schema.default]);
      const value = own(values, name);
      if (value !== undefined && isRecord(schema)) checkValue(`parameter ${name}`, schema, value);
    }
    const unknown = Object.keys(values).filter((name) => !Object.hasOwn(spec.params, name));
    if (!spec.additionalProperties && unknown.length > 0) {
      throw new ValueError(`parameter ${unknown.join(", ")} is not known; see: juju actions APPLICATION --schema`);
    }
    this.#values = { ...Object.fromEntries(defaults), ...values };
  }

  /** The value as given. */
  get(name: string): unknown {
    return own(this.#values, name);
  }

  /** @throws {ValueError} when the value is not a string */
  string(name: string): string | undefined {
    return this.#typed(name, "string") as string | undefined;
  }

  /** @throws {ValueError} when the value is not a number */
  number(name: string): number | undefined {
    return this.#typed(name, "number") as number | undefined;
  }

  /** @throws {ValueError} when the value is not true or false */
  boolean(name: string): boolean | undefined {
    return this.#typed(name, "boolean") as boolean | undefined;
  }

  #typed(name: string, type: string): unknown {
    const value = own(this.#values, name);
    if (value === undefined || value === null) return undefined;
    checkValue(`parameter ${name}`, { type }, value);
    return value;
  }
}

/** The value of a key, whatever every object inherits: parameters may be called `constructor`. */
function own(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function shown(choice: unknown): string {
  return typeof choice === "string" ? choice : JSON.stringify(choice);
}

/** Checks the parts of JSON schema that actions.yaml files use; Juju itself checked the rest before the action ran. */
function checkValue(what: string, schema: Readonly<Record<string, unknown>>, value: unknown): void {
  const { type, enum: choices, minimum, maximum, pattern, minLength, maxLength, items } = schema;
  const types = (Array.isArray(type) ? type : [type]).filter((name) => typeof name === "string");
  if (types.length > 0 && !types.some((name) => TYPE_CHECKS.get(name)?.(value))) {
    throw new ValueError(`${what} must be of type ${types.join(" or ")}`);
  }
  if (Array.isArray(choices) && !choices.includes(value)) {
    throw new ValueError(`${what} must be one of: ${choices.map(shown).join(", ")}`);
  }
  if (typeof value === "number") {
    if (typeof minimum === "number" && value < minimum) throw new ValueError(`${what} must be at least ${minimum}`);
    if (typeof maximum === "number" && value > maximum) throw new ValueError(`${what} must be at most ${maximum}`);
  }
  if (typeof value === "string") {
    if (typeof minLength === "number" && value.length < minLength) {
      throw new ValueError(`${what} must have at least ${minLength} characters`);
    }
    if (typeof maxLength === "number" && value.length > maxLength) {
      throw new ValueError(`${what} must have at most ${maxLength} characters`);
    }
    if (typeof pattern === "string" && !matches(pattern, value)) {
      throw new ValueError(`${what} must match ${pattern}`);
    }
  }
  if (Array.isArray(value) && isRecord(items)) {
    value.forEach((item, index) => checkValue(`${what}[${index}]`, items, item));
  }
}

/** Juju has checked patterns too, in Go's syntax: one that JavaScript does not know passes here. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}
