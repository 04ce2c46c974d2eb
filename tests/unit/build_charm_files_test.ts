import { assertEquals, assertThrows } from "@std/assert";
import { parse } from "@std/yaml";
import { makeManifest, parseCharmcraft, splitCharmcraft } from "../../build/charm_files.ts";
import { BuildError } from "../../build/errors.ts";

const CHARMCRAFT = `
name: demo
title: The Demo
type: charm
summary: shows
description: more
links:
  contact: [someone]
  documentation: the manual
parts: {charm: {}}
provides: {web: {interface: http}}
config: {options: {port: {type: int, default: 80}}}
actions: {backup: {description: saves}}
`;

Deno.test("charmcraft.yaml: split into what Juju reads", () => {
  const files = splitCharmcraft(parseCharmcraft(CHARMCRAFT));
  assertEquals([...files.keys()], ["metadata.yaml", "config.yaml", "actions.yaml"]);
  assertEquals(parse(files.get("metadata.yaml") ?? ""), {
    name: "demo",
    summary: "shows",
    description: "more",
    provides: { web: { interface: "http" } },
    "display-name": "The Demo",
    maintainers: ["someone"],
    docs: "the manual",
  });
  assertEquals(parse(files.get("config.yaml") ?? ""), { options: { port: { type: "int", default: 80 } } });
  assertEquals(parse(files.get("actions.yaml") ?? ""), { backup: { description: "saves" } });
  assertEquals([...splitCharmcraft({ name: "small" }).keys()], ["metadata.yaml"]);
});

Deno.test("charmcraft.yaml: what is no mapping is refused with its place", () => {
  assertThrows(() => parseCharmcraft("a: b: c"), BuildError, "at line 1, column 5");
  assertThrows(() => parseCharmcraft("- a"), BuildError, "must be a mapping");
});

/** Bases that the manifest names for an executable of amd64. */
function bases(charmcraft: string): unknown {
  return (parse(makeManifest(parseCharmcraft(charmcraft), "amd64")) as Record<string, unknown>).bases;
}

Deno.test("manifest.yaml: bases in every form, for the executable's architecture only", () => {
  const jammy = { name: "ubuntu", channel: "22.04", architectures: ["amd64"] };
  assertEquals(bases('bases: [{name: ubuntu, channel: "22.04"}]'), [jammy]);
  assertEquals(
    bases(
      `bases: [{build-on: [{name: x, channel: y}], run-on: [{name: ubuntu, channel: "22.04", architectures: [amd64]},
      {name: ubuntu, channel: "20.04", architectures: [arm64]}]}]`,
    ),
    [jammy],
  );
  assertEquals(bases("{base: ubuntu@22.04, platforms: {amd64: null, arm64: null}}"), [jammy]);
  assertEquals(bases("platforms: {ubuntu@22.04:amd64: null, ubuntu@24.04:arm64: null}"), [jammy]);
  assertEquals(bases("{base: ubuntu@22.04, platforms: {any: {build-on: [arm64], build-for: [amd64]}}}"), [jammy]);
  assertEquals(bases("{base: ubuntu@22.04, platforms: {any: {build-on: amd64, build-for: all}}}"), [jammy]);
  assertEquals(bases("{}"), undefined);
  assertThrows(() => bases("{base: ubuntu@22.04, platforms: {arm64: null}}"), BuildError, "no base for amd64");
});

Deno.test("manifest.yaml: says which tool made it, and no time", () => {
  const manifest = parse(makeManifest({}, "arm64"), { schema: "core" }) as Record<string, unknown>;
  assertEquals([manifest.tool, manifest["charmcraft-started-at"]], ["charmlet", "2020-01-01T00:00:00.000Z"]);
});
