/** The runner of events finds what differs, and a deviation allows no more than it is about. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runEventCases } from "./trace_events.ts";
import type { EventCase, EventExpectation, EventStep } from "./trace_events_format.ts";
import { runEventStep } from "./trace_events_run.ts";
import { readDeviations } from "./trace_deviations.ts";

const DATA = new URL("data/traces/async-replication.json", import.meta.url);
const DEVIATIONS = await readDeviations(new URL("deviations.json", import.meta.url).pathname);
const CASES: readonly EventCase[] = JSON.parse(await Deno.readTextFile(DATA)).cases;

function stepOf(id: string, index = 0): EventStep {
  const step = CASES.find((each) => each.id === id)?.steps[index];
  assert(step, `${id} is among the cases`);
  return step;
}

/** Names of what differs when a step expects something else than it should. */
async function findings(step: EventStep, wrong: Partial<EventExpectation>, deviations = DEVIATIONS): Promise<string[]> {
  const changed = { ...step, expect: { ...step.expect, ...wrong } };
  const { failed } = await runEventCases([{ id: "own", steps: [changed] }], deviations);
  return failed.flatMap(({ differences }) => differences.map(({ what }) => what));
}

Deno.test("each wrong expectation is found, and nothing else", async () => {
  const step = stepOf("rh-sync-nodes3-planned3");
  const { expect } = step;
  const peer = expect.peer!;
  const cases: readonly (readonly [Partial<EventExpectation>, string])[] = [
    [{ calls: expect.calls.slice(1) }, "calls"],
    [{ calls: [...expect.calls].reverse() }, "calls"],
    [{ calls: expect.calls.map((call) => ({ ...call, kwargs: {} })) }, "calls"],
    [{ error: { type: "KeyError" } }, "error"],
    [{ unit_status_history: expect.unit_status_history!.slice(1) }, "unit_status_history"],
    [{ app_status: ["active", ""] }, "app_status"],
    [{ app_status_history: [] }, "app_status_history"],
    [{ peer: { ...peer, app: { ...peer.app, more: "x" } } }, "peer.app"],
    [{ relations: { 7: { ...expect.relations!["7"], endpoint: "10.0.0.11" } } }, "relations"],
    [{ secrets: [] }, "secrets"],
    [{ deferred: [{ observer: "_on_replica_changed" }] }, "deferred"],
    [{ state_before: { replica_state: "ready" } }, "before.replica_state"],
    [{ state_after: { replica_idle: true } }, "after.replica_idle"],
  ];
  assertEquals(await findings(step, {}), []);
  for (const [wrong, what] of cases) assertEquals(await findings(step, wrong), [what]);
  const action = stepOf("ap-forceT");
  assertEquals(await findings(action, { action: { results: { message: "x" } } }), ["action.results"]);
  assertEquals(await findings(action, { action: { failed: "x" } }), ["action.failed", "action.results"]);
  const created = stepOf("pc-replicaF-secret-peer");
  const secrets = created.expect.secrets!.map((secret) => ({ ...secret, grants: {} }));
  assertEquals(await findings(created, { secrets }), ["secrets.grants"]);
});

Deno.test("a deviation allows no more than it is about", async () => {
  const broken = stepOf("bp-primary-removing");
  const [first, ...others] = broken.expect.calls;
  assert(first);
  assertEquals(await findings(broken, { calls: [first, first, ...others] }), ["calls"]);
  assertEquals(await findings(broken, { unit_status: ["active", "x"] }), ["unit_status"]);
  const leader = stepOf("rc-leader-initF-ret-T-dataF");
  const history = [["waiting", "x"], ...leader.expect.unit_status_history!] as const;
  assertEquals(await findings(leader, { unit_status_history: history }), ["unit_status_history"]);
  const peer = leader.expect.peer!;
  assertEquals(await findings(leader, { peer: { ...peer, unit: { ...peer.unit, x: "y" } } }), ["peer.unit"]);
  const waiting = stepOf("br-wait-3");
  assertEquals(await findings(waiting, { deferred: [{ observer: "on_async_relation_broken" }] }), ["deferred"]);
  assertEquals(await findings(waiting, { calls: waiting.expect.calls.filter(({ target }) => target !== "sleep") }), [
    "calls",
  ]);
  const fence = stepOf("af-replicaN-fencedF");
  assertEquals(await findings(fence, { unit_status: ["active", "x"] }), ["unit_status"]);
});

Deno.test("without deviations, the steps that differ fail", async () => {
  const { failed } = await runEventCases(CASES, {});
  assertEquals(
    failed.map(({ id }) => id.split(" ")[0]),
    [
      "rc-leader-initF-ret-T-dataF",
      "rc-leader-initF-ret-flag-no-remote-dataT",
      "rc-leader-defer-then-run",
      "rh-sync-nodes3-planned3",
      "rh-sync-secret-unknown-key",
      "rh-sync-dissolve-error",
      "rn-leaderT-initializedT-rejoinT-memberT",
      "bp-roleT-leaderT-removingF",
      "bp-flip",
      "bp-primary-removing",
      "bp-primary-insetN-ok",
      "br-roleT-leaderF-removingF",
      "br-wait-3",
      "br-wait-never-nonleader",
      "br-primary-insetN-ok",
      "af-replicaN-fencedF",
      "au-replicaN-fencedN",
      "aj-insetF",
      "aj-status-unknown",
      "lc-primary",
      "ph-status-ok_not_replicating-ro0",
    ].sort((a, b) => CASES.findIndex(({ id }) => id === a) - CASES.findIndex(({ id }) => id === b)),
  );
});

Deno.test("a wait that the original sleeps through is played as hooks, until 300 s have passed", async () => {
  assertEquals((await runEventStep(stepOf("br-wait-3"))).waits, 3);
  assertEquals((await runEventStep(stepOf("br-wait-never-nonleader"))).waits, 30);
});

Deno.test("a step that cannot be run is a failure", async () => {
  const step = stepOf("rc-leader-defer-then-run", 1);
  const unknown = { ...step, state: { ...step.state, deferred: [{ observer: "_on_moon" }] } };
  const hook = { ...step, event: { name: "no-such-hook" } };
  const action = { ...step, event: { name: "no-such-action", params: {} } };
  const steps = [unknown, hook, action].map(({ state, ...rest }) => ({ ...rest, state: { ...state } }));
  const { failed, passed } = await runEventCases([{ id: "own", steps }], DEVIATIONS);
  assertEquals([passed, failed.length], [0, 3]);
  const texts = failed.map(({ differences: [first] }) => first?.got ?? "");
  assertStringIncludes(texts[0]!, "no handler does what _on_moon does");
  assertStringIncludes(texts[1]!, "no-such-hook is no hook of the charm");
  assertStringIncludes(texts[2]!, "there is no action no-such-action");
});

/** A step as another case of the original would have recorded it. */
function variant(id: string, index: number, change: (step: EventStep) => Partial<EventStep>): EventStep {
  const step = stepOf(id, index);
  return { ...step, ...change(step) };
}

const laterOn = ({ state }: EventStep) => ({
  event: { name: "update-status" },
  state: { ...state, deferred: [{ observer: "_on_replica_changed" }] },
});
const withMysql = (answers: Record<string, unknown>) => (step: EventStep) => ({ mysql: { ...step.mysql, ...answers } });
const raises = { $raise: "MySQLClientError" };

const VARIANTS: readonly (readonly [what: string, differs: string, step: EventStep])[] = [
  ["a deferred handler gives the cluster up", "calls", variant("rh-sync-nodes3-planned3", 0, laterOn)],
  [
    "a deferred handler waits for the members",
    "calls",
    variant("rh-initialized-nodes1-planned3", 0, (step) => {
      const calls = step.expect.calls.filter(({ method }) => method !== "is_instance_in_cluster");
      return { ...laterOn(step), expect: { ...step.expect, calls } };
    }),
  ],
  [
    "the wait ends with the last look",
    "calls",
    variant("br-wait-3", 0, (step) => {
      const isLook = ({ method }: { method?: string }) => method === "is_instance_in_cluster";
      const first = step.expect.calls.findIndex(isLook);
      const [look, sleep] = step.expect.calls.slice(first);
      const looks = Array(29).fill([look, sleep]).flat().concat(look);
      const rest = step.expect.calls.slice(step.expect.calls.findLastIndex((call) => call.target === "sleep") + 2);
      const answers = { $seq: [...Array(29).fill(true), false] };
      return {
        ...withMysql({ is_instance_in_cluster: answers })(step),
        expect: { ...step.expect, calls: [...step.expect.calls.slice(0, first), ...looks, ...rest] },
      };
    }),
  ],
  [
    "the server does not say whether it is in a cluster",
    "error",
    variant("br-wait-never-nonleader", 0, withMysql({ is_instance_in_cluster: raises })),
  ],
  [
    "a replica cluster without quorum is removed",
    "calls",
    variant("lc-primary", 6, withMysql({ get_replica_cluster_status: "not_ok" })),
  ],
  [
    "there are no passwords to share",
    "error",
    variant("pc-replicaF-secret-peer", 0, (step) => ({
      state: { ...step.state, secrets: [] },
      expect: { calls: step.expect.calls.slice(0, 1), error: { type: "SecretNotFoundError" } },
    })),
  ],
  [
    "a cluster that was made anew waits for its members",
    "peer.app",
    variant("rh-sync-nodes4-planned3", 0, (step) => {
      const peer = step.state.peer!;
      const { "units-added-to-cluster": _, ...app } = peer.app;
      return {
        state: { ...step.state, peer: { ...peer, app } },
        expect: { ...step.expect, peer: { ...step.expect.peer!, app } },
      };
    }),
  ],
  [
    "the members of a cluster that ends were told to join again",
    "peer.app",
    variant("br-wait-3", 0, (step) => {
      const peer = step.state.peer!;
      const rejoin = { "rejoin-secondaries": "true" };
      const after = { ...step.expect.peer!, app: { ...step.expect.peer!.app, ...rejoin } };
      return {
        state: { ...step.state, peer: { ...peer, app: { ...peer.app, ...rejoin } } },
        expect: { ...step.expect, peer: after },
      };
    }),
  ],
  [
    "an old relation ends when the cluster has given itself up for a new one",
    "peer.app",
    variant("br-wait-3", 0, (step) => {
      const answered = { ...step.state.relations[0]!, id: 9, endpoint: "async-replica" };
      const local = { endpoint: "10.0.0.10", "cluster-name": "cluster-a", "node-label": "mysql-0" };
      const relations = [...step.state.relations, { ...answered, local_app_data: local }];
      return {
        ...withMysql({ is_instance_in_cluster: false })(step),
        state: { ...step.state, relations },
        expect: {
          ...step.expect,
          relations: { ...step.expect.relations, 9: local },
          state_before: {},
          state_after: {},
        },
      };
    }),
  ],
  [
    "a cluster that was removed from another set",
    "peer.app",
    variant("rh-sync-nodes3-planned3", 0, (step) => {
      const peer = step.state.peer!;
      const removed = { "removed-from-cluster-set": "true" };
      const after = { ...step.expect.peer!, app: { ...step.expect.peer!.app, ...removed } };
      return {
        state: { ...step.state, peer: { ...peer, app: { ...peer.app, ...removed } } },
        expect: { ...step.expect, peer: after },
      };
    }),
  ],
];

for (const [what, differs, step] of VARIANTS) {
  Deno.test(`a deviation beyond the recorded steps: ${what}`, async () => {
    assertEquals(await findings(step, {}), []);
    assert((await findings(step, {}, {})).includes(differs), "without deviations the step fails");
  });
}
