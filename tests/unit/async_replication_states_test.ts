import { assertEquals } from "@std/assert";
import { standingAlone, standingOfReplica } from "../../interfaces/async_replication/standing.ts";
import {
  isPrimaryIdle,
  isReplicaIdle,
  type PrimaryFacts,
  primaryPlace,
  type ReplicaFacts,
  replicaPlace,
  type State,
  stateOfMembers,
  stateOfStatus,
} from "../../interfaces/async_replication/states.ts";
import { recoveringText, TEXT } from "../../interfaces/async_replication/texts.ts";
import type { ReplicaStatus } from "../../interfaces/clients/mysql/cluster_set/status.ts";

const README = new URL("../../interfaces/async_replication/README.md", import.meta.url);
const STATES: readonly State[] = ["uninitialized", "syncing", "initializing", "recovery", "ready", "failed"];
const BOOLEANS = [false, true];

Deno.test("the primary's states: every combination of what databags say", () => {
  const seen = BOOLEANS.flatMap((offered) =>
    BOOLEANS.flatMap((refused) =>
      BOOLEANS.map((answered) => [offered, refused, answered, primaryPlace({ offered, refused, answered })])
    )
  );
  assertEquals(seen, [
    [false, false, false, "uninitialized"],
    [false, false, true, "uninitialized"],
    [false, true, false, "failed"],
    [false, true, true, "failed"],
    [true, false, false, "syncing"],
    [true, false, true, undefined],
    [true, true, false, "failed"],
    [true, true, true, "failed"],
  ]);
});

Deno.test("the replica's states: every combination of what databags say", () => {
  const states = BOOLEANS.flatMap((offered) =>
    BOOLEANS.flatMap((answered) =>
      BOOLEANS.map((initialized) => [
        offered,
        answered,
        initialized,
        replicaPlace({ userData: false, offered, answered, initialized }),
      ])
    )
  );
  assertEquals(states, [
    [false, false, false, "initializing"],
    [false, false, true, undefined],
    [false, true, false, "initializing"],
    [false, true, true, undefined],
    [true, false, false, "syncing"],
    [true, false, true, "syncing"],
    [true, true, false, "initializing"],
    [true, true, true, undefined],
  ]);
  for (const offered of BOOLEANS) {
    assertEquals(replicaPlace({ userData: true, offered, answered: true, initialized: true }), "failed");
  }
});

Deno.test("the states that the server decides, and which of all are idle", () => {
  const statuses: readonly (ReplicaStatus | undefined)[] = [
    "ok",
    "invalidated",
    "unknown",
    "ok_not_replicating",
    "ok_not_consistent",
    "ok_misconfigured",
    "not_ok",
    undefined,
  ];
  assertEquals(statuses.map(stateOfStatus), [
    "ready",
    "ready",
    "initializing",
    "recovery",
    "recovery",
    "recovery",
    "recovery",
    "recovery",
  ]);
  assertEquals([stateOfMembers(true), stateOfMembers(false)], ["ready", "recovery"]);
  assertEquals(STATES.filter(isPrimaryIdle), ["uninitialized", "ready"]);
  assertEquals([...STATES, undefined].filter(isReplicaIdle), ["ready", undefined]);
  const texts = statuses.filter((each) => stateOfStatus(each) === "recovery").map(recoveringText);
  assertEquals(new Set(texts).size, texts.length, "each status that is not well says something of its own");
});

Deno.test("the standing of a replica and of a cluster without relation", () => {
  assertEquals(STATES.map((state) => standingOfReplica(state).unit?.[0]), [
    undefined,
    "waiting",
    "waiting",
    "waiting",
    undefined,
    "blocked",
  ]);
  const alone = (["primary", "replica", "unset"] as const).flatMap((role) =>
    BOOLEANS.map((removed) => [role, removed, standingAlone({ role, removed }).unit?.[1]])
  );
  assertEquals(alone, [
    ["primary", false, undefined],
    ["primary", true, undefined],
    ["replica", false, TEXT.notDissolved],
    ["replica", true, TEXT.standalone],
    ["unset", false, undefined],
    ["unset", true, TEXT.standalone],
  ]);
});

/** `from --> to: what happened`, for every move that one event makes. */
type Edges = Set<string>;

/** What the replica cluster's status can be, as the diagram tells them apart. */
const STATUS_GROUPS: Readonly<Record<string, readonly ReplicaStatus[]>> = {
  "unknown": ["unknown"],
  "ok or invalidated": ["ok", "invalidated"],
  "other": ["ok_not_replicating", "ok_not_consistent", "ok_misconfigured", "not_ok"],
};

function primaryEdges(): Edges {
  const start: PrimaryFacts = { offered: false, refused: false, answered: false };
  const stateOf = (facts: PrimaryFacts, status: ReplicaStatus) => primaryPlace(facts) ?? stateOfStatus(status);
  const offered = { ...start, offered: true };
  const edges: Edges = new Set([`[*] --> ${stateOf(start, "unknown")}`]);
  const move = (from: State, to: State, what: string) => from === to || edges.add(`${from} --> ${to}: ${what}`);
  move(stateOf(start, "unknown"), stateOf(offered, "unknown"), "credentials offered");
  move(stateOf(start, "unknown"), stateOf({ ...start, refused: true }, "unknown"), "is a replica itself");
  const answered = { ...offered, answered: true };
  for (const [group, statuses] of Object.entries(STATUS_GROUPS)) {
    for (const status of statuses) {
      move(stateOf(offered, status), stateOf(answered, status), `answered, ${group}`);
      for (const before of Object.values(STATUS_GROUPS).flat()) {
        move(stateOf(answered, before), stateOf(answered, status), group);
      }
    }
  }
  return edges;
}

function replicaEdges(): Edges {
  const start: ReplicaFacts = { userData: false, offered: false, answered: false, initialized: false };
  const stateOf = (facts: ReplicaFacts, all: boolean) => replicaPlace(facts) ?? stateOfMembers(all);
  const edges: Edges = new Set([`[*] --> ${stateOf(start, true)}`]);
  const move = (from: State, to: State, what: string) => from === to || edges.add(`${from} --> ${to}: ${what}`);
  const offered = { ...start, offered: true };
  const answered = { ...offered, answered: true };
  const made = { ...answered, initialized: true };
  move(stateOf(start, true), stateOf({ ...start, userData: true }, true), "user data found");
  move(stateOf(start, true), stateOf(offered, true), "credentials received");
  move(stateOf(offered, true), stateOf({ ...offered, userData: true }, true), "user data found");
  move(stateOf(offered, true), stateOf(answered, true), "endpoint sent");
  for (const [all, units] of [[true, "all units"], [false, "some units"]] as const) {
    move(stateOf(answered, all), stateOf(made, all), `made a replica, ${units}`);
    move(stateOf(made, !all), stateOf(made, all), units);
  }
  return edges;
}

Deno.test("the diagrams in the README are those of the code", async () => {
  const text = await Deno.readTextFile(README);
  const diagrams = [...text.matchAll(/```mermaid\nstateDiagram-v2\n(.*?)```/gs)].map(([, body = ""]) =>
    new Set(body.split("\n").map((line) => line.trim()).filter((line) => line.includes("-->")))
  );
  assertEquals(diagrams.length, 2);
  assertEquals([...diagrams[0]!].sort(), [...primaryEdges()].sort());
  assertEquals([...diagrams[1]!].sort(), [...replicaEdges()].sort());
});
