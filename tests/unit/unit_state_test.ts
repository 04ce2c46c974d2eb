import { assertEquals, assertThrows } from "@std/assert";
import { StateError } from "../../hooks/errors.ts";
import { migrateState, type Migration } from "../../hooks/state/schema.ts";
import { StoredValue } from "../../hooks/stored.ts";
import { UnitState } from "../../hooks/state/unit_state.ts";

Deno.test("a state that nobody touched writes nothing", () => {
  assertEquals(new UnitState({}).changes().size, 0);
  const stored = { charmlet: "1", "charmlet.flags": '["a","b"]', "charmlet.stored.db": '{"version":1,"value":2}' };
  assertEquals(new UnitState(stored).changes().size, 0);
});

Deno.test("only what changed is written, with the schema version", () => {
  const state = new UnitState({ "charmlet.flags": '["a"]' });
  state.flags.add("b");
  state.store("db", { x: 1 });
  assertEquals(Object.fromEntries(state.changes()), {
    charmlet: "1",
    "charmlet.flags": '["a","b"]',
    "charmlet.stored.db": '{"x":1}',
  });
});

Deno.test("what became empty is removed", () => {
  const state = new UnitState({ charmlet: "1", "charmlet.flags": '["a"]', "charmlet.stored.db": "1" });
  state.flags.delete("a");
  state.store("db", undefined);
  assertEquals(Object.fromEntries(state.changes()), { "charmlet.flags": null, "charmlet.stored.db": null });
  assertEquals(state.storedScopes(), []);
});

Deno.test("state of a newer schema is refused with what to do", () => {
  const error = assertThrows(() => new UnitState({ charmlet: "7" }), StateError);
  assertEquals(/schema version 7, this executable knows 1: .*upgrade the charm/.test(error.message), true);
});

Deno.test("damaged state is refused, never overwritten", () => {
  for (const bad of ["{", '{"a":1}', "[1]", "nonsense"]) {
    assertThrows(
      () => new UnitState({ charmlet: "1", "charmlet.flags": bad }),
      StateError,
      "charmlet.flags is damaged",
    );
  }
  assertThrows(() => new UnitState({ charmlet: "one" }), StateError, "unusable schema version");
  assertThrows(() => new UnitState({ "charmlet.deferred.0": '{"handler":1}' }), StateError, "deferred.0 is damaged");
});

const EVENT = {
  kind: "relation",
  name: "db-relation-changed",
  phase: "changed",
  endpoint: { name: "db", role: "requires", interface: "x", scope: "global" },
  relationId: 7,
  remoteApp: "db",
};
const ENTRY = { handler: "db:changed", event: EVENT, reason: "", firstSeen: 1, attempts: 1, due: 1 };

const DAMAGED_ENTRIES: readonly object[] = [
  { ...ENTRY, deadline: [false] },
  { ...ENTRY, firstSeen: 1e300 },
  { ...ENTRY, due: -1e300 },
  { ...ENTRY, attempts: 0.5 },
  { ...ENTRY, event: { ...EVENT, relationId: "7" } },
  { ...ENTRY, event: { ...EVENT, endpoint: { name: "db" } } },
  { ...ENTRY, event: { ...EVENT, remoteUnit: 1 } },
  { ...ENTRY, event: { ...EVENT, phase: "toString" } },
  { ...ENTRY, event: { ...EVENT, name: "toString" } },
  { ...ENTRY, event: { kind: "lifecycle", name: "install", hook: "constructor" } },
  { ...ENTRY, event: { kind: "secret", name: "secret-changed", phase: "changed" } },
  { ...ENTRY, event: { kind: "storage", name: "data-storage-attached", phase: "attached" } },
  { ...ENTRY, event: { kind: "workload", name: "db-pebble-ready", phase: "ready", container: {} } },
];

Deno.test("a deferred entry has everything that running it needs", () => {
  const stored = (entry: object) => new UnitState({ "charmlet.deferred.0": JSON.stringify(entry) });
  assertEquals(stored(ENTRY).deferred.length, 1);
  for (const entry of DAMAGED_ENTRIES) {
    assertThrows(() => stored(entry), StateError, "charmlet.deferred.0 is damaged", JSON.stringify(entry));
  }
});

Deno.test("a deferred entry under a key that nobody writes is told by that key", () => {
  for (const key of ["charmlet.deferred.x", "charmlet.deferred.01", "charmlet.deferred.-1", "charmlet.deferred."]) {
    assertThrows(() => new UnitState({ [key]: JSON.stringify(ENTRY) }), StateError, `${key} is damaged`);
  }
});

Deno.test("what a module stored comes back, and is refused when it is damaged", () => {
  const read = (text: string) =>
    new StoredValue(new UnitState({ "charmlet.stored.db": text }), "db").get("nothing", (value) => String(value));
  assertEquals(read('{"version":1,"value":"x"}'), "x");
  for (const bad of ["{", '"x"', "{}", '{"version":"1","value":"x"}', '{"version":1}']) {
    assertThrows(() => read(bad), StateError, "charmlet.stored.db is damaged", bad);
  }
});

Deno.test("migrations run one after the other and their result is written", () => {
  const migrations = new Map<number, Migration>([
    [
      1,
      ({ "charmlet.old": old, ...rest }) => ({ ...rest, "charmlet.mid": `${old}!` }),
    ],
    [2, ({ "charmlet.mid": mid, ...rest }) => ({
      ...rest,
      "charmlet.flags": JSON.stringify([mid]),
    })],
  ]);
  const raw = { charmlet: "1", "charmlet.old": "x" };
  assertEquals(migrateState(raw, 3, migrations), { charmlet: "3", "charmlet.flags": '["x!"]' });
  const state = new UnitState(raw, 3, migrations);
  assertEquals([...state.flags], ["x!"]);
  assertEquals(state.changes().get("charmlet.old"), null);
  assertEquals(state.changes().get("charmlet.flags"), '["x!"]');
  assertThrows(() => migrateState(raw, 4, migrations), StateError, "no migration leads from state schema 3 to 4");
});
