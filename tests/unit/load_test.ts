/** Shapes of models under load, and what counts as growing too fast. */
import { assertEquals, assertThrows } from "@std/assert";
import { growthFaults } from "../load/growth.ts";
import type { Figures } from "../load/settled.ts";
import { applicationsOf, hooksOf, linksOf, shapeOf, sizeOf, sum } from "../load/shape.ts";

const SMALL: Figures = {
  size: { units: 10, applications: 4, relations: 10, memberships: 33, pairs: 64 },
  hooks: 200,
  commands: 600,
  bytes: 60_000,
  mostCommands: { "relation-changed": 3 },
  hookMemory: { median: 60_000_000, greatest: 80_000_000 },
  modelBytes: 20_000,
  modelMemory: 100_000_000,
  ms: 10_000,
};

Deno.test("load: 200 units are 20 applications with 300 relations", () => {
  const { units, applications, relations } = sizeOf(shapeOf(200));
  assertEquals([units, applications, relations], [200, 20, 300]);
  assertThrows(() => shapeOf(9), RangeError, "no model of 9 units: give a whole number from 10");
});

Deno.test("load: a model has the units that were asked for, and no relation twice", () => {
  for (const units of [10, 11, 25, 50, 99, 100, 137, 200, 400]) {
    const shape = shapeOf(units);
    assertEquals(sum([...applicationsOf(shape).values()]), units);
    const links = linksOf(shape).map(({ from, to }) => `${from} ${to}`);
    assertEquals(new Set(links).size, links.length);
    assertEquals(sizeOf(shape).units, units);
  }
});

Deno.test("load: hooks of two services and a worker, counted by hand", () => {
  // Peers of service0: 2 units, 2 pairs; both directions between the services: 3 units and 4 pairs each; service1's
  // peers: 1 unit; the worker with service0: 3 units and 4 pairs.
  const size = sizeOf({ services: [2, 1], workers: [1] });
  assertEquals(size, { units: 4, applications: 3, relations: 5, memberships: 12, pairs: 14 });
  assertEquals(hooksOf(size), { least: 12 + 3 + 12 + 28, most: 12 + 3 + 12 + 28 + 14 + 12 });
});

Deno.test("load: what grows faster than units × relations is told, and so are dearer hooks", () => {
  const size = { ...SMALL.size, units: 20, relations: 20 };
  const linear = { ...SMALL, size, hooks: 800, commands: 2400, bytes: 240_000, modelBytes: 80_000, ms: 1e9 };
  assertEquals(growthFaults([SMALL, linear]), []);
  const worse = {
    ...linear,
    bytes: 300_001,
    mostCommands: { "relation-changed": 4 },
    hookMemory: { median: 80_000_000, greatest: 80_000_000 },
  };
  assertEquals(growthFaults([SMALL, linear, worse]), [
    "20 units: bytes grow faster than units × relations",
    "20 units: relation-changed runs 4 hook commands instead of 3",
    "20 units: a hook takes 80000000 bytes of memory instead of 60000000",
  ]);
});
