/** Each invariant of the torture fails in a world that is broken for it, and the schedule is shortened to the cause. */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import type { TimelineEntry } from "../model/mod.ts";
import type { UnitState, WorldState } from "../model/state.ts";
import { MODE } from "../torture/clusters.ts";
import { INVARIANTS } from "../torture/invariants.ts";
import { LED_BY } from "../torture/ledger.ts";
import { type Life, live } from "../torture/life.ts";
import { makeSchedule, type Schedule, type Step } from "../torture/schedule.ts";
import { compileAll, explain, shorten, torture } from "../torture/torture.ts";
import { GATE_CONFIG, USUAL, type World } from "../torture/worlds.ts";

const NAMES = "summary: tortured\ndescription: tortured\n";
const GIVER = { metadata: `name: giver\n${NAMES}provides: {gift: {interface: gate}}\n`, config: GATE_CONFIG };
const TAKER = { metadata: `name: taker\n${NAMES}requires: {gift: {interface: gate}}\n`, config: GATE_CONFIG };
const ONE = { units: 1, least: 1, most: 2 };

/** Two units that greet each other when the gate opens. */
const PAIR: World = {
  ...USUAL,
  name: "pair",
  apps: [{ ...ONE, name: "giver", charm: GIVER }, { ...ONE, name: "taker", charm: TAKER }],
  relations: [["giver:gift", "taker:gift"]],
  options: [{ app: "giver", name: "gate", values: ["open", "closed"] }],
  final: { giver: { gate: "open" }, taker: { gate: "open" } },
};
const CLOSED: Step = { do: "configure", app: "giver", values: { gate: "closed" } };
const WORD: Step = { do: "configure", app: "giver", values: { word: "good day" } };
/** Before its second run giver/0 has deferred `joined`, where the gate is closed. */
const CHANGED = "gift-relation-changed";
const KILL: Step = {
  do: "fault",
  fault: { unit: "giver/0", hook: CHANGED, occurrence: 2, at: { command: 2, when: "after" }, do: "kill" },
};
const FLIP: Step = {
  do: "fault",
  fault: { unit: "giver/0", occurrence: 2, at: "after-commit", do: "lose-leadership" },
};

/** Breaks a world as a faulty executable would have done it. */
type Spoil = (unit: UnitState, world: WorldState, entry: TimelineEntry) => void;

interface Broken {
  readonly invariant: string;
  /** From the hook on at which this struck, after each hook of giver/0. */
  readonly since: "kill" | "lose-leadership";
  readonly spoil: Spoil;
  /** All that is left of the schedule. */
  readonly shortest: readonly Step[];
}

const PASSWORD = "correct horse battery staple";
const DEFERRED = /^charmlet\.deferred\./;

function deferredKeys({ state }: UnitState): string[] {
  return Object.keys(state).filter((key) => DEFERRED.test(key));
}

const BROKEN: readonly Broken[] = [
  {
    invariant: "it comes to rest",
    since: "kill",
    spoil: (unit) => unit.state.count = `${Number(unit.state.count ?? 0) + 1}`,
    shortest: [KILL],
  },
  {
    invariant: "the end state is that of the run without faults",
    since: "kill",
    spoil: (unit) => unit.status = { ...unit.status, message: "never the same again" },
    shortest: [KILL],
  },
  {
    invariant: "a handler that runs twice changes nothing the second time",
    since: "kill",
    spoil(unit, _world, { name, clock }) {
      if (name === "config-changed") unit.state.seen = `${Number(unit.state.seen ?? 0) + clock}`;
    },
    shortest: [KILL],
  },
  {
    invariant: "no commit is partial",
    since: "kill",
    spoil(unit, _world, { outcome }) {
      if (outcome === "killed") unit.ports = [];
    },
    shortest: [KILL],
  },
  {
    invariant: "there are never two leaders' writes",
    since: "lose-leadership",
    spoil(_unit, world) {
      for (const { appBags } of Object.values(world.relations)) {
        appBags.giver = { ...appBags.giver, [LED_BY]: "giver/1" };
      }
    },
    shortest: [FLIP],
  },
  {
    invariant: "one application at most is the primary",
    since: "kill",
    spoil(_unit, { relations }) {
      for (const { unitBags } of Object.values(relations)) {
        for (const bag of Object.values(unitBags)) bag[MODE] = "open";
      }
    },
    shortest: [KILL],
  },
  {
    invariant: "no deferral is lost",
    since: "kill",
    spoil(unit, _world, { outcome }) {
      if (outcome === "killed") { for (const key of deferredKeys(unit)) delete unit.state[key]; }
    },
    shortest: [CLOSED, KILL],
  },
  {
    invariant: "no deferral is doubled",
    since: "kill",
    spoil(unit, _world, { outcome }) {
      if (outcome !== "killed") return;
      deferredKeys(unit).forEach((key, index) => unit.state[`charmlet.deferred.${70 + index}`] = unit.state[key] ?? "");
    },
    shortest: [CLOSED, KILL],
  },
  {
    invariant: "no secret is outside its owner",
    since: "kill",
    spoil(unit, world) {
      world.secrets.x = {
        id: "x",
        owner: "taker",
        label: "",
        description: "",
        rotation: "",
        revisions: [{ revision: 1, content: { password: btoa(PASSWORD) } }],
        grants: [],
        consumers: {},
      };
      unit.status = { ...unit.status, message: `the password ${PASSWORD} was refused` };
    },
    shortest: [KILL],
  },
];

const SCHEDULE: Schedule = { seed: 1, world: PAIR, steps: [CLOSED, WORD, FLIP, KILL] };
/** Runs without faults, which are the same for all tests. */
const calms = new Map<string, Life>();

Deno.test("every invariant has a world in which it fails, and holds where nothing is broken", async () => {
  assertEquals(BROKEN.map(({ invariant }) => invariant), INVARIANTS.map(({ name }) => name));
  const { broken, figures } = await torture(SCHEDULE, await compileAll(), calms);
  assertEquals([broken, figures.kills], [new Map(), 1]);
});

for (const { invariant, since, spoil, shortest } of BROKEN) {
  Deno.test(`broken on purpose and shortened: ${invariant}`, async () => {
    const options = await compileAll();
    const struck = new WeakSet<WorldState>();
    const spoiled = (world: WorldState, entry: TimelineEntry) => {
      if (entry.faults.some((fault) => fault.startsWith(since))) struck.add(world);
      const unit = world.units["giver/0"];
      if (unit && entry.unit === unit.name && struck.has(world)) spoil(unit, world, entry);
    };
    const finding = await shorten(SCHEDULE, invariant, { ...options, spoil: spoiled }, calms);
    assertEquals(finding.steps, shortest);
    assert(finding.places.length > 0);
    assertStringIncludes(explain(1, PAIR, finding), "repeat it: build/deno task torture -- --seed 1 --world pair");
  });
}

Deno.test("a seed gives the same schedule, and the schedule the same course", async () => {
  const options = await compileAll();
  const schedule = makeSchedule(11, PAIR);
  assertEquals(makeSchedule(11, PAIR), schedule);
  assertNotEquals(makeSchedule(12, PAIR).steps, schedule.steps);
  const course = async () => {
    const { moments } = await live(schedule, options);
    return moments.map(({ entry: { unit, name, remoteUnit, outcome, faults } }) => {
      return [unit, name, remoteUnit, outcome, ...faults].join(" ");
    });
  };
  assertEquals(await course(), await course());
});
