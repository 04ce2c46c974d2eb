import { assert, assertEquals, assertRejects } from "@std/assert";
import { perform } from "../../interfaces/clients/mysql/cluster_set/acts.ts";
import {
  ORDER_RULES,
  planAttach,
  planDetach,
  planFence,
  planOpen,
  planRemove,
  planTakeOver,
  type Step,
  violations,
} from "../../interfaces/clients/mysql/cluster_set/steps.ts";

const takeOver = planTakeOver({ closeOld: true, follow: true });
const forced = planTakeOver({ closeOld: false, follow: false });

/** Every plan that operations do, in full. */
const PLANS: Readonly<Record<string, readonly Step[]>> = {
  fence: planFence("old"),
  unfence: planOpen("old"),
  attach: planAttach("replica"),
  detach: planDetach("replica"),
  "rejoin, closed first": [...planFence("replica"), ...planAttach("replica")],
  "remove, caught up": planRemove({ caughtUp: true }),
  "remove by force": planRemove({ caughtUp: false }),
  switchover: [...takeOver.prepare, ...takeOver.open, ...planDetach("new"), ...planAttach("old")],
  "forced promotion": [...forced.prepare, ...forced.open, ...planDetach("new")],
};

/** What real servers do when the order is wrong, in small: a failure each of them was seen with. */
class Place {
  opening = true;
  superReadOnly = false;
  readOnly = false;
  secondariesHaveChannel = false;
  primaryHasChannel = false;
  failover = false;
  sources = false;
  running = false;
  lost: string[] = [];

  constructor(role: "primary" | "replica") {
    if (role === "primary") return;
    Object.assign(this, { opening: false, superReadOnly: true, readOnly: true, secondariesHaveChannel: true });
    Object.assign(this, { primaryHasChannel: true, failover: true, sources: true, running: true });
  }
}

interface World {
  old: Place;
  new: Place;
  replica: Place;
  recorded: boolean;
  caughtUp: boolean;
}

/** @returns what went wrong */
function play(steps: readonly Step[], world: World): string[] {
  const wrong: string[] = [];
  for (const { on, act } of steps) {
    const place = world[on];
    switch (act) {
      case "forbid opening":
        place.superReadOnly = false;
        place.opening = false;
        break;
      case "close":
        if (place.opening) wrong.push("the next election opens the cluster");
        place.superReadOnly = place.readOnly = true;
        break;
      case "catch up":
        if (on === "new" && !world.old.superReadOnly) wrong.push("rows are written after they were counted");
        world.caughtUp = place.running;
        if (!place.running) wrong.push("it never catches up");
        break;
      case "stop channel":
        place.running = false;
        break;
      case "unlock":
        if (place.running) wrong.push("it takes writes from two");
        if (on === "new" && !world.old.superReadOnly) wrong.push("two clusters take writes");
        place.superReadOnly = false;
        break;
      case "record":
        if (place.superReadOnly) wrong.push("1290");
        world.recorded = true;
        break;
      case "allow opening":
        if (place.superReadOnly) wrong.push("1123");
        if (on === "new" && !world.recorded) wrong.push("the record names another primary");
        place.opening = true;
        break;
      case "open":
        if (on === "new" && !world.recorded) wrong.push("the record names another primary");
        place.readOnly = false;
        break;
      case "end failover":
        if (place.running) wrong.push("3021");
        place.failover = false;
        break;
      case "forget sources":
        if (place.failover) wrong.push("it may move to a source that is gone");
        place.sources = false;
        break;
      case "drop channel on secondaries":
        if (place.failover) wrong.push("MY-013786: secondaries in state ERROR");
        if (place.sources) wrong.push("sources without a channel");
        place.secondariesHaveChannel = false;
        break;
      case "drop channel on primary":
        if (place.secondariesHaveChannel) wrong.push("a secondary that is elected follows");
        place.primaryHasChannel = false;
        break;
      case "channel on secondaries":
        place.secondariesHaveChannel = true;
        break;
      case "channel on primary":
        if (!place.secondariesHaveChannel) wrong.push("MY-013786: secondaries in state ERROR");
        if (place.running) wrong.push("3021");
        place.primaryHasChannel = place.failover = true;
        break;
      case "add sources":
        if (!place.primaryHasChannel) wrong.push("no such channel");
        place.sources = true;
        break;
      case "start channel":
        if (!place.sources) wrong.push("it follows one server only");
        if (on === "old" && world.new.primaryHasChannel) wrong.push("two clusters follow each other");
        place.running = true;
        break;
      case "leave group":
        if (place.primaryHasChannel) wrong.push("it replicates when it starts again");
        break;
    }
  }
  return wrong;
}

function world(name: string): World {
  const dead = new Place("primary");
  // By force only when the old primary is gone.
  if (name === "forced promotion") Object.assign(dead, { superReadOnly: true });
  const bare = new Place("replica");
  Object.assign(bare, { secondariesHaveChannel: false, primaryHasChannel: false, failover: false, sources: false });
  bare.running = false;
  return {
    old: name === "unfence" ? Object.assign(new Place("primary"), { superReadOnly: true, opening: false }) : dead,
    new: new Place("replica"),
    replica: name === "attach" ? bare : name.startsWith("rejoin") ? new Place("primary") : new Place("replica"),
    recorded: false,
    caughtUp: false,
  };
}

for (const [name, steps] of Object.entries(PLANS)) {
  Deno.test(`cluster set: the order of ${name} breaks no rule, and servers take it`, () => {
    assertEquals(violations(steps), []);
    assertEquals(play(steps, world(name)), []);
  });
}

for (const rule of ORDER_RULES) {
  Deno.test(`cluster set: ${rule.name}`, async () => {
    let tried = 0;
    for (const [name, steps] of Object.entries(PLANS)) {
      const early = steps.findIndex(({ on, act }) => act === rule.first && on === (rule.across?.[0] ?? on));
      const late = steps.findLastIndex(({ on, act }) =>
        act === rule.then && on === (rule.across?.[1] ?? steps[early]?.on)
      );
      const [first, then] = [steps[early], steps[late]];
      if (!first || !then || early > late) continue;
      tried++;
      const swapped = steps.with(early, then).with(late, first);
      assert(violations(swapped).includes(rule.name), `${name}: the rule does not see the wrong order`);
      await assertRejects(() => perform(swapped, { clusters: {}, patienceMs: 0 }), Error, rule.name);
    }
    assert(tried > 0, "no plan has both steps");
  });
}

Deno.test("cluster set: servers refuse or fail when orders are wrong that the rules are about", () => {
  const steps = PLANS.switchover ?? [];
  const moves: readonly [from: string, to: string, wrong: string][] = [
    ["old close", "old forbid opening", "the next election opens the cluster"],
    ["new catch up", "old close", "rows are written after they were counted"],
    ["new unlock", "old close", "two clusters take writes"],
    ["new allow opening", "new unlock", "1123"],
    ["new open", "new record", "the record names another primary"],
    ["new drop channel on secondaries", "new end failover", "MY-013786: secondaries in state ERROR"],
    ["old channel on primary", "old channel on secondaries", "MY-013786: secondaries in state ERROR"],
  ];
  const at = (text: string) => steps.findIndex(({ on, act }) => `${on} ${act}` === text);
  for (const [from, to, wrong] of moves) {
    const step = steps[at(from)];
    assert(step);
    const moved = steps.toSpliced(at(from), 1).toSpliced(at(to), 0, step);
    assert(play(moved, world("switchover")).includes(wrong), `${from} before ${to}`);
    assert(violations(moved).length > 0, `${from} before ${to}`);
  }
});
