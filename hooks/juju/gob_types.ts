/**
 * Types of Go's gob format, and values of these types. A connection carries its own type definitions,
 * which are themselves values of built-in types. Source: contract section 8.3 and Go's encoding/gob/type.go.
 *
 * @module
 */
import { garbled, type GobReader } from "./gob_reader.ts";
import type { GobWriter } from "./gob_writer.ts";

/** A decoded struct: fields that are on the wire, by name. */
export interface GobStruct {
  readonly [field: string]: GobValue | undefined;
}

/** A value. A bigint stands for an integer that a number cannot hold exactly. */
export type GobValue = boolean | number | bigint | string | Uint8Array | readonly GobValue[] | GobStruct;

/** A field of a struct type. */
export interface GobField {
  readonly name: string;
  readonly id: number;
}

/** A struct type, with its fields in the order of their numbers. */
export interface StructType {
  readonly kind: "struct";
  readonly name: string;
  readonly fields: readonly GobField[];
}

/** A type. Values of an `unsupported` one cannot be read, not even skipped. */
export type GobType =
  | { readonly kind: "bool" | "int" | "uint" | "bytes" | "string" }
  | { readonly kind: "slice"; readonly elem: number }
  | StructType
  | { readonly kind: "unsupported" };

/** Type ids by kind. */
export const BASIC_ID = { bool: 1, int: 2, uint: 3, bytes: 5, string: 6 } as const;
/** Id of the type that definitions have. */
export const WIRE_TYPE_ID = 16;
/** Ids below are built in. */
export const FIRST_USER_ID = 64;

/** Not Go's id: stands for the definitions of types that encode themselves, which carry only a name and an id. */
const OPAQUE_TYPE_ID = 24;
const MAX_DEPTH = 16;

const BUILT_IN: ReadonlyMap<number, GobType> = new Map<number, GobType>([
  [BASIC_ID.bool, { kind: "bool" }],
  [BASIC_ID.int, { kind: "int" }],
  [BASIC_ID.uint, { kind: "uint" }],
  [BASIC_ID.bytes, { kind: "bytes" }],
  [BASIC_ID.string, { kind: "string" }],
  [
    WIRE_TYPE_ID,
    struct("wireType", {
      ArrayT: 17,
      SliceT: 19,
      StructT: 20,
      MapT: 23,
      GobEncoderT: OPAQUE_TYPE_ID,
      BinaryMarshalerT: OPAQUE_TYPE_ID,
      TextMarshalerT: OPAQUE_TYPE_ID,
    }),
  ],
  [17, struct("arrayType", { CommonType: 18, Elem: 2, Len: 2 })],
  [18, struct("CommonType", { Name: 6, Id: 2 })],
  [19, struct("sliceType", { CommonType: 18, Elem: 2 })],
  [20, struct("structType", { CommonType: 18, Field: 22 })],
  [21, struct("fieldType", { Name: 6, Id: 2 })],
  [22, { kind: "slice", elem: 21 }],
  [23, struct("mapType", { CommonType: 18, Key: 2, Elem: 2 })],
  [OPAQUE_TYPE_ID, struct("gobEncoderType", { CommonType: 18 })],
]);

function struct(name: string, fields: Readonly<Record<string, number>>): GobType {
  return { kind: "struct", name, fields: Object.entries(fields).map(([field, id]) => ({ name: field, id })) };
}

/** Types that one direction of a connection has defined so far. */
export type TypeTable = ReadonlyMap<number, GobType>;

/** @returns the type with an id, if it is known */
export function typeOf(types: TypeTable, id: number): GobType | undefined {
  return id < FIRST_USER_ID ? BUILT_IN.get(id) : types.get(id);
}

/**
 * Reads a value.
 *
 * @param what names the value in errors
 * @param depth how many structs and slices are around it
 * @throws {AgentError} when the bytes are not such a value, or the type is not known
 */
export function readValue(reader: GobReader, types: TypeTable, id: number, what: string, depth = 0): GobValue {
  const type = typeOf(types, id);
  if (depth > MAX_DEPTH) throw garbled(`values nested deeper than ${MAX_DEPTH}`);
  switch (type?.kind) {
    case "bool":
    case "int":
    case "uint":
    case "bytes":
    case "string":
      return reader[type.kind]();
    case "slice": {
      const values: GobValue[] = [];
      for (let left = reader.count(); left > 0; left--) {
        values.push(readValue(reader, types, type.elem, what, depth + 1));
      }
      return values;
    }
    case "struct":
      return readStruct(reader, types, type.fields, depth);
    default:
      throw garbled(`${what} has the unknown type ${id}`);
  }
}

function readStruct(reader: GobReader, types: TypeTable, fields: readonly GobField[], depth: number): GobStruct {
  // Without a prototype, so that a field named __proto__ is a field like any other.
  const values: Record<string, GobValue> = Object.create(null);
  let at = -1;
  for (let delta = reader.uint(); delta !== 0; delta = reader.uint()) {
    at += Number(delta);
    const field = fields[at];
    if (!field) throw garbled(`field ${at} of a struct that has ${fields.length}`);
    values[field.name] = readValue(reader, types, field.id, `field ${JSON.stringify(field.name)}`, depth + 1);
  }
  return values;
}

/**
 * Writes a value. Fields with zero values are left out, as Go does; so is a field that is undefined.
 *
 * @throws {TypeError} when the value is not of the type
 */
export function writeValue(writer: GobWriter, types: TypeTable, id: number, value: GobValue): void {
  const type = typeOf(types, id);
  if (type?.kind === "bool" && typeof value === "boolean") writer.uint(value ? 1 : 0);
  else if (type?.kind === "int" && isInteger(value)) writer.int(value);
  else if (type?.kind === "uint" && isInteger(value)) writer.uint(value);
  else if (type?.kind === "string" && typeof value === "string") writer.string(value);
  else if (type?.kind === "bytes" && value instanceof Uint8Array) writer.bytes(value);
  else if (type?.kind === "slice" && Array.isArray(value)) {
    writer.uint(value.length);
    for (const element of value) writeValue(writer, types, type.elem, element);
  } else if (type?.kind === "struct" && isStruct(value)) writeStruct(writer, types, type.fields, value);
  else throw new TypeError(`a value does not have the gob type ${type?.kind ?? id}`);
}

function writeStruct(writer: GobWriter, types: TypeTable, fields: readonly GobField[], values: GobStruct): void {
  let last = -1;
  fields.forEach(({ name, id }, at) => {
    const value = values[name];
    if (value === undefined || isZero(value)) return;
    writer.uint(at - last);
    writeValue(writer, types, id, value);
    last = at;
  });
  writer.uint(0);
}

/** Whether a value is a struct. */
export function isStruct(value: GobValue | undefined): value is GobStruct {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function isInteger(value: GobValue): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function isZero(value: GobValue): boolean {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  return !isStruct(value) && !value;
}
