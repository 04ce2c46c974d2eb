/**
 * Checks of primitive encodings.
 *
 * @module
 */
import { GobDecoder, GobEncoder } from "../../hooks/juju/gob.ts";
import { GobReader } from "../../hooks/juju/gob_reader.ts";
import {
  BASIC_ID,
  type GobType,
  type GobValue,
  readValue,
  WIRE_TYPE_ID,
  writeValue,
} from "../../hooks/juju/gob_types.ts";
import { GobWriter } from "../../hooks/juju/gob_writer.ts";

/** By name: one encoding in hex, or several with their values. */
export type PrimitiveVectors = Readonly<Record<string, string | [value: string, hex: string][]>>;

/** Runs one check and notes whether what it returns equals what is expected. */
export type Check = (id: string, expected: unknown, run: () => unknown) => void;

/**
 * Decodes and encodes every primitive. One of a kind that is not known here fails.
 *
 * @param check takes each check
 */
export function checkPrimitives(primitives: PrimitiveVectors, check: Check): void {
  for (const [name, vector] of Object.entries(primitives)) {
    if (typeof vector !== "string") {
      if (name !== "int" && name !== "uint" && name !== "string") checkPrimitive(name, undefined, "", "", check);
      else for (const [text, hex] of vector) checkPrimitive(`${name} ${text}`, name, asValue(name, text), hex, check);
    } else if (name === "strings_empty_slice_in_struct_whole_message") checkEmptySlice(name, vector, check);
    else if (name.startsWith("bool_")) checkPrimitive(name, "bool", name === "bool_true", vector, check);
    else if (name.startsWith("bytes_")) checkPrimitive(name, "bytes", Uint8Array.fromHex(name.slice(6)), vector, check);
    else if (/^strings_\[.*\]$/.test(name)) {
      const items = name.slice("strings_[".length, -1);
      checkPrimitive(name, "strings", items === "" ? [] : items.split(","), vector, check);
    } else checkPrimitive(name, undefined, "", "", check);
  }
}

function asValue(kind: "int" | "uint" | "string", text: string): GobValue {
  return kind === "string" ? text : Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}

const STRINGS_ID = 64;
const STRINGS: ReadonlyMap<number, GobType> = new Map([[STRINGS_ID, { kind: "slice", elem: BASIC_ID.string }]]);

function checkPrimitive(
  name: string,
  kind: keyof typeof BASIC_ID | "strings" | undefined,
  value: GobValue,
  hex: string,
  check: Check,
): void {
  if (kind === undefined) {
    return check(`primitive ${name}`, "a primitive that the runner knows", () => "an unknown one");
  }
  const id = kind === "strings" ? STRINGS_ID : BASIC_ID[kind];
  check(`primitive ${name}: decoded`, { value, left: 0 }, () => {
    const reader = new GobReader(Uint8Array.fromHex(hex));
    return { value: readValue(reader, STRINGS, id, name), left: reader.left };
  });
  check(`primitive ${name}: encoded`, hex, () => {
    const writer = new GobWriter();
    writeValue(writer, STRINGS, id, value);
    return writer.view().toHex();
  });
}

/** A whole message of a struct with nothing but an empty list. The vector does not define its type: we do. */
function checkEmptySlice(name: string, hex: string, check: Check): void {
  const bytes = Uint8Array.fromHex(hex);
  const reader = new GobReader(bytes);
  reader.uint();
  const id = Number(reader.int());
  check(`primitive ${name}: decoded`, [{}], () => {
    const decoder = new GobDecoder();
    decoder.push(structDefinition(id));
    return decoder.push(bytes).map(({ fields }) => ({ ...fields }));
  });
  check(`primitive ${name}: encoded`, bytes.length, () => {
    const encoder = new GobEncoder();
    const schema = { name: "", fields: { Args: "strings" } } as const;
    encoder.write(schema, { Args: ["defines the types"] });
    encoder.take();
    encoder.write(schema, { Args: [] });
    return encoder.take().length;
  });
}

function structDefinition(id: number): Uint8Array {
  const payload = new GobWriter();
  payload.int(-id);
  const Field = [{ Name: "Args", Id: BASIC_ID.string }];
  writeValue(payload, STRINGS, WIRE_TYPE_ID, { StructT: { CommonType: { Id: id }, Field } });
  const message = new GobWriter();
  message.bytes(payload.view());
  return message.take();
}
