/**
 * What is stored for a unit, as another version of the charm or a damaged disk may have left it.
 *
 * @module
 */
import fc from "fast-check";
import { formatDeferred } from "../../hooks/cli/inspect.ts";
import type { Binding } from "../../hooks/definition.ts";
import type { HookEvent } from "../../hooks/event.ts";
import { deferred, done } from "../../hooks/outcome.ts";
import { fileStore } from "../../hooks/state/file_store.ts";
import { UnitState } from "../../hooks/state/unit_state.ts";
import { rosterHandlers } from "../../interfaces/roster.ts";
import { relationEvent, RING, runHook, SITE, smallWorld, UPDATE_STATUS } from "../unit/dispatch_world.ts";
import { attempt, Breach, CANARY, checkSecret, type Surface, surface, type Verdict } from "./surface.ts";
import { damagedJson, damagedTexts, jsonValues, secretTexts, texts } from "./values.ts";

const AGAIN = { reason: "not yet", firstSeen: 1, attempts: 2, due: 0 };

/** What the charm below stores, by key; each value is JSON. */
const GOOD: Readonly<Record<string, unknown>> = {
  charmlet: 1,
  "charmlet.flags": ["site.ready", "ring.joined", "endpoint.site.joined"],
  "charmlet.statuses": {
    unit: { site: ["active", "ok"], "": ["waiting", "for others"] },
    application: { site: ["active", ""] },
    blocked: { "site:when publish": "give it a name" },
  },
  "charmlet.deferred.0": { handler: "site:changed", event: relationEvent("changed"), ...AGAIN },
  "charmlet.deferred.1": { handler: "ring:joined", event: relationEvent("joined", { endpoint: RING }), ...AGAIN },
  "charmlet.deferred.2": { handler: ":updateStatus", event: UPDATE_STATUS, ...AGAIN, deadline: 10 },
  "charmlet.deferred.3": {
    handler: ":secretChanged",
    event: { kind: "secret", name: "secret-changed", phase: "changed", secretId: "secret:x" },
    ...AGAIN,
  },
  "charmlet.deferred.5": {
    handler: ":storageAttached",
    event: { kind: "storage", name: "data-storage-attached", phase: "attached", storage: "data" },
    ...AGAIN,
  },
  "charmlet.deferred.10": {
    handler: ":pebbleReady",
    event: { kind: "workload", name: "db-pebble-ready", phase: "ready", container: "db" },
    ...AGAIN,
  },
  "charmlet.seen.1/proxy/0": { "": "0123456789abcdef01234567", port: "0123456789abcdef01234567" },
  "charmlet.stored.site": { version: 1, value: { count: 1, password: CANARY } },
  "charmlet.stored.ring:peers": {
    version: 1,
    value: { joined: [{ relationId: 2, unit: "site/1" }], departed: [{ relationId: 2, unit: "site/3" }] },
  },
};

interface Stored {
  readonly state: Readonly<Record<string, string>>;
  readonly event: HookEvent;
}

const EVENTS: readonly HookEvent[] = [
  UPDATE_STATUS,
  { kind: "lifecycle", name: "upgrade-charm", hook: "upgrade-charm" },
  relationEvent("changed"),
  relationEvent("departed"),
  relationEvent("broken"),
  relationEvent("joined", { endpoint: RING, remoteUnit: "site/2" }),
  relationEvent("departed", { endpoint: RING, remoteUnit: "site/1" }),
];

function storedStates(): fc.Arbitrary<Stored> {
  const pair = fc.constantFrom(...Object.entries(GOOD)).chain(([key, value]) => {
    // Elsewhere secrets are masked before they are stored.
    const odd = key.startsWith("charmlet.stored.") ? fc.oneof(jsonValues(), secretTexts()) : jsonValues();
    const json = damagedJson(fc.constant(value), odd).map((each) => JSON.stringify(each));
    return fc.tuple(
      fc.oneof({ weight: 12, arbitrary: fc.constant(key) }, { weight: 1, arbitrary: damagedTexts(fc.constant(key)) }),
      fc.oneof({ weight: 6, arbitrary: json }, damagedTexts(fc.constant(JSON.stringify(value))), texts()),
    );
  });
  const good = Object.entries(GOOD).map(([key, value]) => [key, JSON.stringify(value)] as const);
  return fc.record({
    state: fc.tuple(fc.array(pair, { maxLength: 3 }), fc.subarray(good)).map(([damage, kept]) =>
      Object.fromEntries([...kept, ...damage])
    ),
    event: fc.constantFrom(...EVENTS),
  });
}

/** A charm with a handler of each kind; what was stored comes back in it. */
const BINDINGS: readonly Binding[] = [
  {
    source: "",
    endpoint: undefined,
    definition: {
      lifecycle: {
        updateStatus: (ctx) => ctx.deferral?.expired ? done : deferred("again"),
        secretChanged: () => done,
        storageAttached: () => done,
      },
    },
  },
  {
    source: "site",
    endpoint: SITE,
    definition: {
      on: {
        async changed(ctx, relation) {
          await relation.units();
          const count = ctx.stored.get(0, (value) => {
            const { count } = (value ?? {}) as { count?: unknown };
            return typeof count === "number" ? count : 0;
          });
          ctx.stored.set({ count: count + 1 });
          return done;
        },
      },
      when: [{
        name: "publish",
        when: ["{endpoint}.ready", "endpoint.{endpoint}.joined"],
        run(ctx) {
          ctx.status.set("active", "published");
          return done;
        },
      }],
    },
  },
  {
    source: "ring",
    endpoint: RING,
    definition: rosterHandlers({ joined: "joined", departed: "departed" }),
  },
];

async function runWith({ state, event }: Stored): Promise<Verdict> {
  const world = smallWorld();
  const unit = world.units["site/0"];
  if (!unit) throw new Error("the world has no unit");
  unit.state = { ...state };
  const before = structuredClone(world);
  const result = await attempt(() => runHook(world, event, BINDINGS, 1_000));
  if (result.verdict === "refused") {
    if (JSON.stringify(world) !== JSON.stringify(before)) throw new Breach("a hook that failed has changed the model");
  } else {
    for (const line of result.value.log) checkSecret("a line of the log", line);
    checkSecret("the unit's status", unit.status.message);
    // What was written is what the next hook reads.
    const next = new UnitState(unit.state);
    const shown = await attempt(() => formatDeferred(next, 1_000));
    if (shown.verdict === "refused") return "refused";
  }
  return result.verdict;
}

/** A file as Juju before 2.8 needs it. */
async function readFile(text: string): Promise<Verdict> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/.charmlet`, { mode: 0o700 });
    await Deno.writeTextFile(`${dir}/.charmlet/state.json`, text);
    const store = await fileStore(dir);
    try {
      const read = await attempt(async () => new UnitState(await store.load()));
      if (
        read.verdict === "refused" && await Deno.readTextFile(`${dir}/.charmlet/state.json`) !== text.toWellFormed()
      ) {
        throw new Breach("a state file that cannot be used was changed");
      }
      return read.verdict;
    } finally {
      store.close();
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function stateFiles(): fc.Arbitrary<string> {
  const good = Object.fromEntries(Object.entries(GOOD).map(([key, value]) => [key, JSON.stringify(value)]));
  const json = damagedJson(fc.constant(good));
  return fc.oneof(
    { weight: 4, arbitrary: json.map((value) => JSON.stringify(value)) },
    damagedTexts(fc.constant(JSON.stringify(good))),
    texts(),
  );
}

/** The surfaces. */
export const STATE_SURFACES: readonly Surface[] = [
  surface("state: a hook with it", storedStates, runWith),
  surface("state: the file", stateFiles, readFile),
];
