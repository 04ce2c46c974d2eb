import { assertEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { extractDenort, readTarFile, verifySha256 } from "../../build/denort.ts";
import { BuildError } from "../../build/errors.ts";

const MAGIC = new TextEncoder().encode("d3n0l4nd");

/** Base binary, embedded data and trailer, as `deno compile` writes them. */
function compiled(base: Uint8Array, data: Uint8Array, appended = MAGIC.length + data.length + 24): Uint8Array {
  const trailer = new Uint8Array(24);
  trailer.set(MAGIC);
  new DataView(trailer.buffer).setBigUint64(16, BigInt(appended), true);
  return new Uint8Array([...base, ...MAGIC, ...data, ...trailer]);
}

const BASE = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 1, 2, 3]);

Deno.test("denort: the bytes in front of the embedded data are the base binary", () => {
  assertEquals(extractDenort(compiled(BASE, new Uint8Array(1000))), BASE);
  const shifted = new Uint8Array([9, 9, ...compiled(BASE, new Uint8Array(5))]).subarray(2);
  assertEquals(extractDenort(shifted), BASE);
});

Deno.test("denort: files without the trailer are refused", () => {
  assertThrows(() => extractDenort(new Uint8Array(0)), BuildError, "no deno compile trailer");
  assertThrows(() => extractDenort(new Uint8Array(100)), BuildError, "no deno compile trailer");
});

Deno.test("denort: a length that does not lead to the magic word is refused", () => {
  for (const appended of [0, 1, 41, 100_000, Number.MAX_SAFE_INTEGER]) {
    assertThrows(() => extractDenort(compiled(BASE, new Uint8Array(10), appended)), BuildError, "damaged");
  }
});

Deno.test("denort: another digest is refused", () => {
  verifySha256(BASE, createHash("sha256").update(BASE).digest("hex"), "the base binary");
  const error = assertThrows(() => verifySha256(BASE, "00".repeat(32), "the base binary"), BuildError);
  assertEquals(error.message.includes("refused; set DENORT_BIN"), true);
});

/** One member of a tar archive, padded to whole blocks. */
function tarMember(name: string, content: Uint8Array): number[] {
  const header = new Uint8Array(512);
  header.set(new TextEncoder().encode(name));
  header.set(new TextEncoder().encode(content.length.toString(8).padStart(11, "0")), 124);
  return [...header, ...content, ...new Uint8Array((512 - content.length % 512) % 512)];
}

Deno.test("denort: a file is found in a tar archive wherever it stands", () => {
  const archive = new Uint8Array([
    ...tarMember("package/first", new Uint8Array(513).fill(1)),
    ...tarMember("package/empty", new Uint8Array(0)),
    ...tarMember("package/bin", new Uint8Array([7, 8])),
    ...new Uint8Array(1024),
  ]);
  assertEquals(readTarFile(archive, "package/bin"), new Uint8Array([7, 8]));
  assertEquals(readTarFile(archive, "package/first").length, 513);
  assertThrows(() => readTarFile(archive, "package/other"), BuildError, "holds no package/other");
  assertThrows(() => readTarFile(new Uint8Array(700).fill(0x41), "x"), BuildError, "holds no x");
});
