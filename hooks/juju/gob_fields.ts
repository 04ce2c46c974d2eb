/**
 * Typed reads of a received struct's fields. A field that is not on the wire is zero.
 *
 * @module
 */
import type { GobMessage, GobSchema, GobValue } from "./gob.ts";
import { garbled } from "./gob_reader.ts";

/** @throws {AgentError} when the field is not text */
export function textField(message: GobMessage, name: string): string {
  const value = message.fields[name] ?? "";
  return typeof value === "string" ? value : refuse(message, name);
}

/** @throws {AgentError} when the field is not a number, or one beyond what a number holds exactly */
export function numberField(message: GobMessage, name: string): number {
  const value = message.fields[name] ?? 0;
  return typeof value === "number" ? value : refuse(message, name);
}

/** @throws {AgentError} when the field is not a boolean */
export function booleanField(message: GobMessage, name: string): boolean {
  const value = message.fields[name] ?? false;
  return typeof value === "boolean" ? value : refuse(message, name);
}

/** @throws {AgentError} when the field is not a byte string */
export function bytesField(message: GobMessage, name: string): Uint8Array {
  const value = message.fields[name] ?? new Uint8Array();
  return value instanceof Uint8Array ? value : refuse(message, name);
}

/** @throws {AgentError} when the field is not a list of texts */
export function textsField(message: GobMessage, name: string): readonly string[] {
  const value = message.fields[name] ?? [];
  return Array.isArray(value) && value.every(isText) ? value : refuse(message, name);
}

/**
 * Refuses a struct whose type has none of the schema's fields, as Go does: it is something else than what is due.
 *
 * @throws {AgentError} when no field's name matches
 */
export function expectFields({ type }: GobMessage, schema: GobSchema): void {
  if (!type.fields.some(({ name }) => name in schema.fields)) {
    const names = Object.keys(schema.fields).join(", ");
    throw garbled(`a struct ${JSON.stringify(type.name)} where one with ${names} is due`);
  }
}

function isText(value: GobValue): value is string {
  return typeof value === "string";
}

function refuse(message: GobMessage, name: string): never {
  throw garbled(`field ${name} of ${JSON.stringify(message.type.name)} has another type`);
}
