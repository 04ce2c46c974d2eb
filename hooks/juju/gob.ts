/**
 * Go's gob stream format, as far as the unit agent uses it: messages of structs, each type defined on the
 * connection before its first value. Source: contract section 8.3; Go's encoding/gob documentation.
 *
 * @module
 */
import { AgentError } from "../errors.ts";
import { garbled, GobReader } from "./gob_reader.ts";
import {
  BASIC_ID,
  FIRST_USER_ID,
  type GobField,
  type GobStruct,
  type GobType,
  isStruct,
  readValue,
  type StructType,
  typeOf,
  WIRE_TYPE_ID,
  writeValue,
} from "./gob_types.ts";
import { GobWriter } from "./gob_writer.ts";

export type { GobStruct, GobValue, StructType } from "./gob_types.ts";

/** Longest message, in bytes. A databag value is at most a few MiB; Go's own limit is 1 GiB. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** The agent defines three types. */
const MAX_TYPES = 256;
/** A message's length: one byte, or one byte and up to eight more. */
const MAX_PREFIX_BYTES = 9;
/** Go peers take any unique id above 63. */
const FIRST_OWN_ID = 100;
const EMPTY = new Uint8Array();

/** A struct that arrived. */
export interface GobMessage {
  /** Its type as the peer defined it; two types may have the same name. */
  readonly type: StructType;
  /** Values by field name; those that are zero are absent. */
  readonly fields: GobStruct;
}

/** Decodes one direction of one connection. Type ids are taken from the definitions that arrive, never assumed. */
export class GobDecoder {
  readonly #types = new Map<number, GobType>();
  /** Received and not yet decoded; only the first `#length` bytes count. */
  #buffer: Uint8Array = EMPTY;
  #length = 0;

  /**
   * Takes the next bytes of the stream, split anywhere.
   *
   * @param chunk not kept: the caller may overwrite it afterwards
   * @returns the structs that are complete now
   * @throws {AgentError} when the bytes are not gob, or a message is longer than {@link MAX_MESSAGE_BYTES}
   */
  push(chunk: Uint8Array): GobMessage[] {
    const messages: GobMessage[] = [];
    let data = chunk;
    if (this.#length > 0) {
      this.#append(chunk);
      data = this.#buffer.subarray(0, this.#length);
    }
    let at = 0;
    for (let frame = nextFrame(data, at); frame !== undefined; frame = nextFrame(data, at)) {
      const message = this.#decode(new GobReader(data, frame.start, frame.end));
      if (message) messages.push(message);
      at = frame.end;
    }
    if (this.#length === 0) {
      this.#append(chunk.subarray(at));
    } else {
      this.#buffer.copyWithin(0, at, this.#length);
      this.#length -= at;
    }
    return messages;
  }

  /** Whether the stream stands inside a message. */
  get isInsideMessage(): boolean {
    return this.#length > 0;
  }

  /** @throws {AgentError} when the stream ends inside a message */
  end(): void {
    if (this.isInsideMessage) {
      throw new AgentError("the connection to the unit agent ended inside a message; Juju will retry the hook");
    }
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  #decode(reader: GobReader): GobMessage | undefined {
    const id = Number(reader.int());
    const message = id < 0 ? this.#define(-id, reader) : this.#value(id, reader);
    if (reader.left > 0) throw garbled(`${reader.left} bytes too many in a message`);
    return message;
  }

  #value(id: number, reader: GobReader): GobMessage {
    const type = id < FIRST_USER_ID ? undefined : typeOf(this.#types, id);
    if (type?.kind !== "struct") throw garbled(`a value of the unknown type ${id}`);
    const fields = readValue(reader, this.#types, id, "a message");
    if (!isStruct(fields)) throw garbled(`a value of the unknown type ${id}`);
    return { type, fields };
  }

  #define(id: number, reader: GobReader): undefined {
    const definition = readValue(reader, this.#types, WIRE_TYPE_ID, "a type definition");
    if (id < FIRST_USER_ID || this.#types.has(id)) throw garbled(`type ${id} defined again`);
    if (this.#types.size >= MAX_TYPES) throw garbled(`more than ${MAX_TYPES} types`);
    this.#types.set(id, toType(definition as GobStruct));
  }
}

function nextFrame(data: Uint8Array, at: number): { start: number; end: number } | undefined {
  const first = data[at];
  if (first === undefined) return undefined;
  const prefixBytes = first < 128 ? 1 : 257 - first;
  if (prefixBytes > MAX_PREFIX_BYTES) throw garbled(`a message length of ${prefixBytes - 1} bytes`);
  const start = at + prefixBytes;
  if (start > data.length) return undefined;
  const size = new GobReader(data, at, start).uint();
  if (size > MAX_MESSAGE_BYTES) {
    throw new AgentError(
      `the unit agent announced a message of ${size} bytes, more than the limit of ${MAX_MESSAGE_BYTES}; ` +
        "keep large data out of databags and state, then run: juju resolved UNIT",
    );
  }
  const end = start + Number(size);
  return end > data.length ? undefined : { start, end };
}

/** A definition's meaning. The casts state the shape of the built-in definition types, by which it was decoded. */
function toType(definition: GobStruct): GobType {
  const { SliceT, StructT } = definition as { SliceT?: { Elem?: number }; StructT?: StructDefinition };
  if (SliceT) return { kind: "slice", elem: SliceT.Elem ?? 0 };
  if (!StructT) return { kind: "unsupported" };
  const fields = (StructT.Field ?? []).map(({ Name = "", Id = 0 }): GobField => ({ name: Name, id: Id }));
  return { kind: "struct", name: StructT.CommonType?.Name ?? "", fields };
}

interface StructDefinition {
  readonly CommonType?: { readonly Name?: string };
  readonly Field?: readonly { readonly Name?: string; readonly Id?: number }[];
}

/** A struct type to encode: name on the wire, and its fields in order. */
export interface GobSchema {
  readonly name: string;
  readonly fields: Readonly<Record<string, keyof typeof BASIC_ID | "strings">>;
}

/** Encodes one direction of one connection. */
export class GobEncoder {
  readonly #types = new Map<number, GobType>();
  readonly #ids = new Map<GobSchema, number>();
  readonly #queue = new GobWriter();
  readonly #payload = new GobWriter();
  #stringsId: number | undefined;

  /**
   * Queues a struct, before it the definitions of its types if the connection has not seen them. Fields that are
   * zero are left out.
   */
  write(schema: GobSchema, values: GobStruct): void {
    const id = this.#ids.get(schema) ?? this.#define(schema);
    this.#payload.int(id);
    writeValue(this.#payload, this.#types, id, values);
    this.#endMessage();
  }

  /** @returns the queued bytes, now the caller's */
  take(): Uint8Array {
    return this.#queue.take();
  }

  #define(schema: GobSchema): number {
    const id = this.#newId();
    const needsStrings = this.#stringsId === undefined && Object.values(schema.fields).includes("strings");
    const stringsId = needsStrings ? id + 1 : this.#stringsId ?? 0;
    const fields = Object.entries(schema.fields).map(([name, kind]): GobField => {
      return { name, id: kind === "strings" ? stringsId : BASIC_ID[kind] };
    });
    this.#ids.set(schema, id);
    this.#types.set(id, { kind: "struct", name: schema.name, fields });
    const Field = fields.map((field) => ({ Name: field.name, Id: field.id }));
    this.#writeDefinition(id, { StructT: { CommonType: { Name: schema.name, Id: id }, Field } });
    if (needsStrings) {
      this.#stringsId = stringsId;
      this.#types.set(stringsId, { kind: "slice", elem: BASIC_ID.string });
      const CommonType = { Name: "[]string", Id: stringsId };
      this.#writeDefinition(stringsId, { SliceT: { CommonType, Elem: BASIC_ID.string } });
    }
    return id;
  }

  #newId(): number {
    return FIRST_OWN_ID + this.#types.size;
  }

  #writeDefinition(id: number, definition: GobStruct): void {
    this.#payload.int(-id);
    writeValue(this.#payload, this.#types, WIRE_TYPE_ID, definition);
    this.#endMessage();
  }

  #endMessage(): void {
    this.#queue.bytes(this.#payload.view());
    this.#payload.clear();
  }
}
