/**
 * The part of the story in which things go wrong.
 *
 * @module
 */
import { expect, expectEqual } from "./expect.ts";
import type { Stage, Step } from "./stage.ts";

const SITE = "website:site proxy:upstream";
const HOOK = "config-changed";

/** The steps. */
export const TROUBLES: readonly Step[] = [
  { title: "kill a hook", run: killHook },
  { title: "lose leadership", run: loseLeadership },
];

/** SIGKILL right after Juju has accepted the hook's relation-set. */
async function killHook(stage: Stage): Promise<string> {
  const { model } = stage;
  const unit = stage.follower("website");
  const last = model.timeline.findLast((entry) => entry.unit === unit && entry.name === HOOK && entry.bags.length > 0);
  const command = (last?.commands.findIndex(({ name }) => name === "relation-set") ?? -1) + 1;
  expect(command > 0, `${HOOK} of ${unit} wrote a databag before`);
  const before = stage.relation(SITE).unitBags[unit]?.port;
  const occurrence = 1;
  model.addFault({ unit, hook: HOOK, occurrence, at: { command, when: "after" }, do: "kill" });
  model.setConfig("website", { port: 8082 });
  await model.settle();
  const [killed, retried, ...more] = stage.runsOf(unit, HOOK);
  expectEqual([killed?.outcome, retried?.outcome, more.length], ["killed", "done", 0], `runs of ${HOOK} on ${unit}`);
  expect(killed?.commands.some(({ name }) => name === "relation-set") === true, "it was killed after its relation-set");
  expectEqual([killed?.bags, killed?.state, killed?.immediate], [[], null, []], "what the killed run wrote");
  expectEqual(retried?.attempt, 2, "attempt of the second run");
  expectEqual(
    retried?.bags.map((bag) => [bag.before.port, bag.after.port]),
    [[before, "8082"]],
    "what the retry wrote",
  );
  return `${unit}: SIGKILL after hook command ${command} (relation-set): nothing written; the retry wrote it all`;
}

/** Leadership goes elsewhere between the leader's write and the commit. */
async function loseLeadership(stage: Stage): Promise<string> {
  const { model } = stage;
  const old = stage.leader("website");
  model.addFault({ unit: old, hook: HOOK, occurrence: 1, at: "before-commit", do: "lose-leadership" });
  model.setConfig("website", { title: "Lighthouse" });
  await model.settle();
  const next = stage.leader("website");
  expect(next !== old, `another unit than ${old} leads`);
  const [refused, retried, ...more] = stage.runsOf(old, HOOK);
  expectEqual([refused?.outcome, refused?.exit, refused?.bags], ["refused", 0, []], `the commit of ${old}`);
  expectEqual([retried?.outcome, retried?.bags, more.length], ["done", [], 0], `the retry of ${old}`);
  const writers = stage.runs().filter(({ bags }) => bags.some(({ after }) => after.title === "Lighthouse"));
  expectEqual(writers.map(({ unit }) => unit), [next], "units that wrote the new title");
  stage.expectStatus("proxy", "active", "forwards Lighthouse to 4 units");
  return `commit of ${old} refused and retried without the leader's part; ${next} wrote the title`;
}
