import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { AgentError } from "../../hooks/errors.ts";
import { GobDecoder, GobEncoder, type GobSchema, type GobStruct, MAX_MESSAGE_BYTES } from "../../hooks/juju/gob.ts";
import { GobReader } from "../../hooks/juju/gob_reader.ts";
import { WIRE_TYPE_ID, writeValue } from "../../hooks/juju/gob_types.ts";
import { GobWriter } from "../../hooks/juju/gob_writer.ts";

const EVERYTHING: GobSchema = {
  name: "Everything",
  fields: { Bool: "bool", Int: "int", Uint: "uint", Text: "string", Bytes: "bytes", Texts: "strings" },
};

const VALUES: GobStruct = {
  Bool: true,
  Int: -129,
  Uint: 2 ** 40,
  Text: "grüße ✓ 🚀",
  Bytes: new Uint8Array([0, 255, 128]),
  Texts: ["a", "", "b"],
};

function encode(schema: GobSchema, ...values: Parameters<GobEncoder["write"]>[1][]): Uint8Array {
  const encoder = new GobEncoder();
  for (const value of values) encoder.write(schema, value);
  return encoder.take();
}

function message(write: (payload: GobWriter) => void): Uint8Array {
  const payload = new GobWriter();
  write(payload);
  const framed = new GobWriter();
  framed.bytes(payload.view());
  return framed.take();
}

function define(id: number, definition: Parameters<typeof writeValue>[3]): Uint8Array {
  return message((payload) => {
    payload.int(-id);
    writeValue(payload, new Map(), WIRE_TYPE_ID, definition);
  });
}

function assertAgentError(run: () => unknown, ...texts: string[]): void {
  const error = assertThrows(run, AgentError);
  assertEquals(error.message.includes("\n"), false);
  assertStringIncludes(error.message, "Juju will retry the hook");
  for (const text of texts) assertStringIncludes(error.message, text);
}

Deno.test("every kind of field comes back as it was written", () => {
  const [first] = new GobDecoder().push(encode(EVERYTHING, VALUES));
  assertEquals({ ...first?.fields }, VALUES);
  assertEquals(first?.type.name, "Everything");
});

Deno.test("zero fields are left out", () => {
  const zero = { Bool: false, Int: 0, Uint: 0, Text: "", Bytes: new Uint8Array(), Texts: [] };
  const encoder = new GobEncoder();
  encoder.write(EVERYTHING, zero);
  encoder.take();
  encoder.write(EVERYTHING, zero);
  assertEquals(encoder.take().toHex(), "03ffc800");
});

Deno.test("types are defined once per connection", () => {
  const encoder = new GobEncoder();
  encoder.write(EVERYTHING, VALUES);
  const first = encoder.take();
  encoder.write(EVERYTHING, VALUES);
  const second = encoder.take();
  const decoder = new GobDecoder();
  assertEquals(decoder.push(first).length, 1);
  assertEquals({ ...decoder.push(second)[0]?.fields }, VALUES);
  assertThrows(() => new GobDecoder().push(second), AgentError, "unknown type 100");
});

Deno.test("two types of the same name and two lists of texts keep apart", () => {
  const encoder = new GobEncoder();
  const other: GobSchema = { name: "Everything", fields: { Texts: "strings", Seq: "uint" } };
  encoder.write(EVERYTHING, VALUES);
  encoder.write(other, { Texts: ["x"], Seq: 7 });
  const [, second] = new GobDecoder().push(encoder.take());
  assertEquals({ ...second?.fields }, { Texts: ["x"], Seq: 7 });
});

Deno.test("a stream split at every byte gives the same structs", () => {
  const decoder = new GobDecoder();
  const bytes = encode(EVERYTHING, VALUES, { Text: "x".repeat(300) });
  const got = [...bytes].flatMap((byte) => decoder.push(new Uint8Array([byte])));
  assertEquals(got.map(({ fields }) => fields.Text), [VALUES.Text, "x".repeat(300)]);
  decoder.end();
});

Deno.test("the chunk may be overwritten after push", () => {
  const decoder = new GobDecoder();
  const bytes = encode(EVERYTHING, VALUES);
  const [first] = decoder.push(bytes);
  bytes.fill(0xaa);
  assertEquals(first?.fields.Bytes, VALUES.Bytes);
});

Deno.test("1 MB values in chunks of 64 KiB", () => {
  const large = new Uint8Array(1_000_000).map((_, index) => index % 251);
  const bytes = encode(EVERYTHING, { Bytes: large, Text: "ü".repeat(500_000) });
  const decoder = new GobDecoder();
  const got = [];
  for (let at = 0; at < bytes.length; at += 65536) got.push(...decoder.push(bytes.subarray(at, at + 65536)));
  assertEquals(got.length, 1);
  assertEquals(got[0]?.fields.Bytes, large);
  assertEquals(got[0]?.fields.Text, "ü".repeat(500_000));
});

Deno.test("integers at the edges of 64 bits", () => {
  for (
    const value of [
      0n,
      127n,
      128n,
      255n,
      256n,
      65535n,
      65536n,
      2n ** 24n,
      2n ** 30n,
      2n ** 32n - 1n,
      2n ** 32n,
      2n ** 48n,
      2n ** 53n - 1n,
      2n ** 53n,
      2n ** 63n - 1n,
    ]
  ) {
    for (const signed of [value, -value - 1n]) {
      const writer = new GobWriter();
      writer.int(signed);
      assertEquals(writer.length <= 9, true);
      assertEquals(BigInt(new GobReader(writer.view()).int()), signed);
    }
    const writer = new GobWriter();
    writer.uint(value);
    assertEquals(BigInt(new GobReader(writer.view()).uint()), value);
  }
  assertThrows(() => new GobWriter().uint(-1), RangeError);
  assertThrows(() => new GobWriter().uint(2n ** 64n), RangeError);
  assertThrows(() => new GobWriter().int(2n ** 63n), RangeError);
});

Deno.test("a value of another type is not encoded", () => {
  assertThrows(() => encode(EVERYTHING, { Text: 5 }), TypeError);
  assertThrows(() => encode(EVERYTHING, { Texts: [1] }), TypeError);
});

Deno.test("unknown fields of known kinds are skipped: nested structs and lists of structs", () => {
  const inner = define(70, { StructT: { CommonType: { Id: 70 }, Field: [{ Name: "A", Id: 6 }] } });
  const list = define(71, { SliceT: { CommonType: { Id: 71 }, Elem: 70 } });
  const outer = define(72, {
    StructT: {
      CommonType: { Id: 72 },
      Field: [{ Name: "New", Id: 70 }, { Name: "More", Id: 71 }, { Name: "Seq", Id: 3 }],
    },
  });
  const value = message((payload) => {
    payload.int(72);
    payload.raw(Uint8Array.fromHex("01" + "01016100" + "01" + "02" + "01016200" + "00" + "01" + "07" + "00"));
  });
  const decoder = new GobDecoder();
  for (const bytes of [outer, inner, list]) assertEquals(decoder.push(bytes), []);
  assertEquals(decoder.push(value)[0]?.fields.Seq, 7);
});

Deno.test("a field called __proto__ is a field", () => {
  const schema: GobSchema = { name: "X", fields: { ["__proto__"]: "string" } };
  const [got] = new GobDecoder().push(encode(schema, JSON.parse('{"__proto__":"x"}')));
  assertEquals(Object.keys(got?.fields ?? {}), ["__proto__"]);
});

Deno.test("a map or a float is refused where a value of it arrives", () => {
  const map = define(80, { MapT: { CommonType: { Id: 80 }, Key: 6, Elem: 6 } });
  const withMap = define(81, {
    StructT: { CommonType: { Id: 81 }, Field: [{ Name: "M", Id: 80 }, { Name: "F", Id: 4 }] },
  });
  const decoder = new GobDecoder();
  decoder.push(map);
  decoder.push(withMap);
  const values = (hex: string) =>
    message((payload) => {
      payload.int(81);
      payload.raw(Uint8Array.fromHex(hex));
    });
  assertEquals(decoder.push(values("00")).length, 1);
  assertAgentError(() => decoder.push(values("010100")), 'field "M" has the unknown type 80');
  assertAgentError(() => new GobDecoder().push(values("00")), "unknown type 81");
});

Deno.test("the end of the stream inside a message", () => {
  const bytes = encode(EVERYTHING, VALUES);
  for (const length of [1, 2, 50, bytes.length - 1]) {
    const decoder = new GobDecoder();
    decoder.push(bytes.subarray(0, length));
    assertAgentError(() => decoder.end(), "ended inside a message");
  }
  const decoder = new GobDecoder();
  decoder.push(bytes);
  decoder.end();
});

Deno.test("a message beyond the limit is refused before it is received", () => {
  const writer = new GobWriter();
  writer.uint(MAX_MESSAGE_BYTES + 1);
  const error = assertThrows(() => new GobDecoder().push(writer.view()), AgentError);
  assertStringIncludes(error.message, `more than the limit of ${MAX_MESSAGE_BYTES}`);
  const huge = new GobWriter();
  huge.uint(2n ** 64n - 1n);
  assertThrows(() => new GobDecoder().push(huge.view()), AgentError, "18446744073709551615 bytes");
});

Deno.test("garbage is refused with one line", () => {
  const struct = encode(EVERYTHING, {});
  const bad: [string, string][] = [
    ["00", "ends inside a value"],
    ["80", "a message length of 128 bytes"],
    ["f0", "a message length of 16 bytes"],
    ["0102", "unknown type 1"],
    ["02ffc8", "ends inside a value"],
    ["03ffc80a", "field 9 of a struct that has 6"],
    ["05ffc8010200", "a boolean of value 2"],
    ["04ffc80000", "1 bytes too many"],
    ["05ffc8047f00", "a value of 127 bytes or elements where 1 bytes are left"],
    ["09ffc806fb00ffffffff", "a value of"],
    ["04ffc803f0", "an integer of 16 bytes"],
    ["04ffc70000", "type 100 defined again"],
  ];
  for (const [hex, text] of bad) {
    const decoder = new GobDecoder();
    decoder.push(struct);
    // 0xffc8 is 100, the id that the encoder gives first.
    assertAgentError(() => {
      decoder.push(Uint8Array.fromHex(hex));
      decoder.end();
    }, text);
  }
  assertAgentError(() => {
    const decoder = new GobDecoder();
    decoder.push(
      new TextEncoder().encode(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request",
      ),
    );
    decoder.end();
  });
});

Deno.test("random garbage never gives anything but an AgentError", () => {
  let state = 42;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  const valid = encode(EVERYTHING, VALUES, VALUES);
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const bytes = valid.slice();
    for (let change = 0; change < 3; change++) bytes[(next() << 8 | next()) % bytes.length] = next();
    try {
      const decoder = new GobDecoder();
      decoder.push(bytes);
      decoder.end();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      refused++;
    }
  }
  assertEquals(refused > 1000, true, `only ${refused} of 2000 were refused`);
});

Deno.test("endless nesting and endless definitions are refused", () => {
  const nested = define(70, { StructT: { CommonType: { Id: 70 }, Field: [{ Name: "A", Id: 70 }] } });
  const decoder = new GobDecoder();
  decoder.push(nested);
  const deep = message((payload) => {
    payload.int(70);
    payload.raw(new Uint8Array(100_000).fill(1));
  });
  assertAgentError(() => decoder.push(deep), "nested deeper");
  const crowded = new GobDecoder();
  assertAgentError(() => {
    for (let id = 64; id < 1000; id++) crowded.push(define(id, { SliceT: { CommonType: { Id: id }, Elem: 6 } }));
  }, "more than 256 types");
});
