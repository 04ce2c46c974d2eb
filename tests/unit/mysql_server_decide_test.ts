import { assertEquals } from "@std/assert";
import { type Member, type MemberState, viewOf } from "../../interfaces/clients/mysql/members.ts";
import {
  decideMove,
  decideStart,
  type Facts,
  type Move,
  type Peer,
  type Sight,
} from "../../interfaces/mysql_innodb_cluster/server/decide.ts";
import { TEXT } from "../../interfaces/mysql_innodb_cluster/server/texts.ts";

const FACTS: Facts = {
  unit: "mysql/0",
  isLeader: true,
  first: undefined,
  wasMember: false,
  othersAreIn: false,
  firstIsThere: true,
};

for (
  const [title, changes, kind] of [
    ["the leader names the first unit", {}, "claim"],
    ["the others wait for that", { isLeader: false }, "wait"],
    ["a first unit is there", { first: "mysql/1" }, "run"],
    ["the first unit went before there was a cluster", { first: "mysql/1", firstIsThere: false }, "claim"],
    ["it went, and this unit does not lead", { first: "mysql/1", firstIsThere: false, isLeader: false }, "run"],
    ["it went, and there is a cluster", { first: "mysql/1", firstIsThere: false, othersAreIn: true }, "run"],
    ["it went, and this unit was in the cluster", { first: "mysql/1", firstIsThere: false, wasMember: true }, "run"],
  ] as const
) {
  Deno.test(`mysql: start: ${title}`, () => {
    assertEquals(decideStart({ ...FACTS, ...changes }).kind, kind);
  });
}

const address = (number: number) => ({ host: `10.0.0.${number}`, port: 3306 });

function peer(number: number, changes: Partial<Peer> = {}): Peer {
  return {
    unit: `mysql/${number}`,
    address: address(number),
    configured: true,
    clustered: false,
    removed: false,
    found: "unasked",
    ...changes,
  };
}

function member(number: number, state: MemberState = "ONLINE", role: Member["role"] = "secondary"): Member {
  return { ...address(number), uuid: `uuid-${number}`, state, role, version: "9.7.4" };
}

/** The group as member 0 or another sees it. */
function group(members: readonly Member[], self = 0) {
  return viewOf(members, `uuid-${self}`, false);
}

const ALONE: Sight = {
  unit: "mysql/0",
  address: address(0),
  isLeader: true,
  first: "mysql/0",
  state: undefined,
  wasMember: false,
  removed: false,
  peers: [peer(1), peer(2)],
  view: undefined,
  expected: 3,
  departed: [],
};
const IN = peer(1, { clustered: true });
const PRIMARY = member(0, "ONLINE", "primary");
const WHOLE: Sight = {
  ...ALONE,
  state: "ONLINE",
  wasMember: true,
  peers: [IN, peer(2, { clustered: true })],
  view: group([PRIMARY, member(1), member(2)]),
};
const DOWN: Sight = { ...WHOLE, state: "OFFLINE", view: undefined };
const silent = peer(1, { clustered: true, found: "silent" });
const outside = peer(2, { clustered: true, found: "outside" });

/** What is decided, in one text: the move, or the level and text with an asterisk where it is settled. */
function told(move: Move): string {
  switch (move.kind) {
    case "say":
      return `${move.level}${move.settled ? "*" : ""}: ${move.text}`;
    case "add":
      return `add ${move.unit}`;
    case "evict":
      return `evict ${move.address.host}`;
    default:
      return move.kind;
  }
}

const READY = "Unit is ready: Mode: R/W, Cluster is ONLINE and";

const CASES: readonly (readonly [title: string, sight: Sight, expected: string, tried?: readonly string[]])[] = [
  ["all are ready: the first makes the cluster", ALONE, "create"],
  ["too few units", { ...ALONE, peers: [peer(1)] }, "waiting*: Waiting for more units: 2 of 3 are there"],
  ["more units are expected", { ...ALONE, expected: 5 }, "waiting*: Waiting for more units: 3 of 5 are there"],
  [
    "a unit is not ready",
    { ...ALONE, peers: [peer(1), peer(2, { configured: false })] },
    "waiting*: Waiting for mysql/2 to be ready for clustering",
  ],
  [
    "a unit has no usable address",
    { ...ALONE, peers: [peer(1, { address: undefined }), peer(2)] },
    "waiting*: Waiting for mysql/1 to be ready for clustering",
  ],
  ["one too many is not waited for", { ...ALONE, peers: [peer(1), peer(2), peer(3, { configured: false })] }, "create"],
  ["another unit makes it", { ...ALONE, first: "mysql/1" }, "waiting*: Waiting for mysql/1 to create the cluster"],
  [
    "a new leader that is not the first makes none",
    { ...ALONE, first: "mysql/2" },
    "waiting*: Waiting for mysql/2 to create the cluster",
  ],
  [
    "somebody has a cluster already: this one makes none",
    { ...ALONE, peers: [silent, peer(2)] },
    "blocked: No member of the cluster answers; bring mysql/1 back, or what is lost for good, give up with reboot-cluster-from-complete-outage force=true",
  ],
  ["the leader adds the next", { ...WHOLE, peers: [peer(1), peer(2)], view: group([PRIMARY]) }, "add mysql/1"],
  ["and the one after it", { ...WHOLE, peers: [IN, peer(2)], view: group([PRIMARY, member(1)]) }, "add mysql/2"],
  [
    "each is tried once in a hook",
    { ...WHOLE, peers: [IN, peer(2)], view: group([PRIMARY, member(1)]) },
    `active*: ${READY} cannot tolerate any failures.`,
    ["mysql/2"],
  ],
  ["one that is not ready is not added", {
    ...WHOLE,
    peers: [IN, peer(2, { configured: false })],
    view: group([PRIMARY, member(1)]),
  }, `active*: ${READY} cannot tolerate any failures.`],
  [
    "others do not add",
    { ...WHOLE, isLeader: false, peers: [IN, peer(2)], view: group([PRIMARY, member(1)]) },
    `active*: ${READY} cannot tolerate any failures.`,
  ],
  [
    "a member that is away rejoins by itself",
    { ...WHOLE, view: group([PRIMARY, member(1)]) },
    `active*: ${READY} cannot tolerate any failures. mysql/2 is not in it.`,
  ],
  ["one that was taken out is not added", {
    ...WHOLE,
    peers: [IN, peer(2, { removed: true })],
    view: group([PRIMARY, member(1)]),
  }, `active*: ${READY} cannot tolerate any failures.`],
  ["all is well", WHOLE, `active*: ${READY} can tolerate up to ONE failure.`],
  [
    "five members",
    { ...WHOLE, peers: [IN], view: group([PRIMARY, ...[1, 2, 3, 4].map((n) => member(n))]) },
    `active*: ${READY} can tolerate up to 2 failures.`,
  ],
  [
    "a member is lost: looked at again",
    { ...WHOLE, view: group([PRIMARY, member(1), member(2, "UNREACHABLE")]) },
    `active: ${READY} cannot tolerate any failures. mysql/2 is not in it.`,
  ],
  [
    "a secondary",
    { ...WHOLE, view: group([member(0), member(1, "ONLINE", "primary"), member(2)]) },
    "active*: Unit is ready: Mode: R/O, Cluster is ONLINE and can tolerate up to ONE failure.",
  ],
  [
    "an election",
    { ...WHOLE, view: group([member(0), member(1), member(2)]) },
    "waiting: Waiting for the cluster to choose a primary",
  ],
  [
    "no quorum",
    { ...WHOLE, view: group([PRIMARY, member(1, "UNREACHABLE"), member(2, "UNREACHABLE")]) },
    `blocked: ${TEXT.noQuorum(["mysql/1", "mysql/2"])}`,
  ],
  [
    "no quorum: nobody is added",
    { ...WHOLE, peers: [peer(3)], view: group([PRIMARY, member(1, "UNREACHABLE")]) },
    `blocked: ${TEXT.noQuorum(["10.0.0.1:3306"])}`,
  ],
  ["a unit departed and its server is still in", { ...WHOLE, peers: [IN], departed: [address(2)] }, "evict 10.0.0.2"],
  [
    "it is evicted once in a hook",
    { ...WHOLE, peers: [IN], departed: [address(2)] },
    `active*: ${READY} can tolerate up to ONE failure.`,
    ["10.0.0.2:3306"],
  ],
  [
    "it has left already",
    { ...WHOLE, peers: [IN], departed: [address(7)] },
    `active*: ${READY} can tolerate up to ONE failure.`,
  ],
  [
    "others do not evict",
    { ...WHOLE, isLeader: false, peers: [IN], departed: [address(2)] },
    `active*: ${READY} can tolerate up to ONE failure.`,
  ],
  ["this one is down, the others are not: it rejoins", {
    ...DOWN,
    view: group([member(1, "ONLINE", "primary"), member(2)], 1),
  }, "rejoin"],
  [
    "after an error too",
    { ...DOWN, state: "ERROR", view: group([member(1, "ONLINE", "primary"), member(2)], 1) },
    "rejoin",
  ],
  [
    "it did not get in",
    { ...DOWN, isLeader: false, view: group([member(1, "ONLINE", "primary"), member(2)], 1) },
    "waiting: Waiting for mysql/0 to join the cluster",
    ["mysql/0"],
  ],
  [
    "it gets its data",
    { ...DOWN, state: "RECOVERING", view: group([member(1, "ONLINE", "primary"), member(2)], 1) },
    "waiting: Waiting for MySQL to get the cluster's data",
  ],
  ["the others lost their majority", {
    ...DOWN,
    view: group([member(1, "ONLINE", "primary"), member(2, "UNREACHABLE")], 1),
  }, `blocked: ${TEXT.noQuorum(["mysql/2"])}`],
  [
    "nobody runs the cluster",
    { ...DOWN, peers: [peer(1, { clustered: true, found: "outside" }), outside] },
    "blocked: All members are stopped: run reboot-cluster-from-complete-outage on the leader when every unit runs",
  ],
  [
    "a member does not answer: it may run the cluster",
    { ...DOWN, peers: [silent, outside] },
    "blocked: No member of the cluster answers; bring mysql/1 back, or what is lost for good, give up with reboot-cluster-from-complete-outage force=true",
  ],
  [
    "this one was in a cluster and is alone: it makes none",
    { ...DOWN, peers: [] },
    "blocked: All members are stopped: run reboot-cluster-from-complete-outage on the leader when every unit runs",
  ],
  ["a new unit waits for the leader", {
    ...ALONE,
    isLeader: false,
    peers: [IN],
    view: group([member(1, "ONLINE", "primary")], 1),
  }, "waiting*: Waiting for the leader to add this unit to the cluster"],
  [
    "a new unit that leads adds itself",
    { ...ALONE, peers: [IN], view: group([member(1, "ONLINE", "primary")], 1) },
    "add mysql/0",
  ],
  [
    "it was taken out",
    { ...DOWN, removed: true },
    "blocked*: mysql/0 was taken out of the cluster: run add-instance with address=mysql/0 on the leader, or remove the unit",
  ],
];

for (const [title, sight, expected, tried] of CASES) {
  Deno.test(`mysql: move: ${title}`, () => assertEquals(told(decideMove(sight, tried)), expected));
}
