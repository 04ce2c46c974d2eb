/** What a unit that runs etcd does next, and what a view of its cluster means. */
import { assertEquals } from "@std/assert";
import type { Member } from "../../interfaces/clients/etcd/members.ts";
import type { View } from "../../interfaces/etcd/server/cluster.ts";
import {
  condition,
  connectionString,
  decide,
  type Facts,
  leftovers,
  mustPromote,
  neededFor,
  ownId,
  standing,
  unwell,
} from "../../interfaces/etcd/server/decide.ts";
import type { ClusterRecord, UnitReport } from "../../interfaces/etcd/server/record.ts";
import { TEXT } from "../../interfaces/etcd/server/texts.ts";

const RECORD: ClusterRecord = { token: "one", first: "etcd/0", generation: 0 };

function reportOf(number: number, more: Partial<UnitReport> = {}): UnitReport {
  const address = `10.0.0.${number}`;
  return {
    unit: `etcd/${number}`,
    started: true,
    memberId: `10${number}`,
    clientUrls: [`https://${address}:2379`],
    peerUrl: `https://${address}:2380`,
    tlsVersion: 1,
    generation: 0,
    ...more,
  };
}

interface Case extends Partial<Omit<Facts, "own">> {
  readonly own?: Partial<Facts["own"]>;
}

function stepOf({ own, ...facts }: Case): string {
  const step = decide({
    unit: "etcd/0",
    isLeader: false,
    record: RECORD,
    others: [],
    firstIsThere: true,
    seesAll: true,
    ...facts,
    own: { started: false, hasData: false, belongs: undefined, knows: undefined, ...own },
  });
  switch (step.kind) {
    case "wait":
    case "block":
      return `${step.kind}: ${step.why}`;
    case "announce":
      return `announce ${step.generation}`;
    case "bootstrap":
    case "join":
      return step.setAside ? `${step.kind}, old data set aside` : step.kind;
    default:
      return step.kind;
  }
}

const data = (generation = 0, token = "one") => ({ hasData: true, belongs: { token, generation } });

const STEPS: readonly (readonly [what: string, facts: Case, step: string])[] = [
  ["no record, leader", { record: undefined, isLeader: true }, "claim"],
  ["no record, not leader", { record: undefined }, `wait: ${TEXT.noRecord}`],
  ["the first unit, leader", { isLeader: true }, "bootstrap"],
  ["the first unit, leadership has moved on", {}, "bootstrap"],
  ["the first unit was killed while it started", { own: data() }, "run"],
  ["the first unit, with data of another cluster", { own: data(0, "other") }, "bootstrap, old data set aside"],
  ["the first unit, with data of nobody knows what", { own: { hasData: true } }, "bootstrap, old data set aside"],
  ["the note about the data is lost", { own: { hasData: true, started: true } }, "run"],
  ["the first unit lost its data, alone", { own: { started: true } }, `block: ${TEXT.lostAlone}`],
  ["the first unit lost its data, others have it", { own: { started: true }, others: [reportOf(1)] }, "join"],
  ["the first unit never started, but others run", { others: [reportOf(1)] }, "join"],
  [
    "another unit, before the first has started",
    { unit: "etcd/1", others: [reportOf(0, { started: false })] },
    `wait: ${TEXT.noFirst}`,
  ],
  ["another unit that leads, before the first has started", {
    unit: "etcd/1",
    isLeader: true,
    others: [reportOf(0, { started: false })],
  }, `wait: ${TEXT.noFirst}`],
  ["another unit, the first runs", { unit: "etcd/1", others: [reportOf(0)] }, "join"],
  ["another unit, with its data", { unit: "etcd/1", others: [reportOf(0)], own: data() }, "run"],
  [
    "another unit, with data of another cluster",
    { unit: "etcd/1", others: [reportOf(0)], own: data(0, "x") },
    "join, old data set aside",
  ],
  ["the first went before it started", { unit: "etcd/1", isLeader: true, firstIsThere: false }, "claim"],
  ["the first went with the data", {
    unit: "etcd/1",
    isLeader: true,
    firstIsThere: false,
    own: { knows: "one" },
  }, `block: ${TEXT.dataGone("etcd/0")}`],
  ["the same, another unit knew the data", {
    unit: "etcd/1",
    isLeader: true,
    firstIsThere: false,
    others: [reportOf(2, { started: false, knows: "one" })],
  }, `block: ${TEXT.dataGone("etcd/0")}`],
  ["the same, long before that", { unit: "etcd/1", isLeader: true, firstIsThere: false, own: { knows: "x" } }, "claim"],
  ["the first lost its data and its memory, alone", { own: { knows: "one" } }, `block: ${TEXT.lostAlone}`],
  ["the same, others have the data", { own: { knows: "one" }, others: [reportOf(1)] }, "join"],
  ["the same, not leader", { unit: "etcd/1", firstIsThere: false }, `wait: ${TEXT.noFirst}`],
  ["the same, but a unit is not to be seen yet", {
    unit: "etcd/1",
    isLeader: true,
    firstIsThere: false,
    seesAll: false,
  }, `wait: ${TEXT.noFirst}`],
  [
    "the first went, others run",
    { unit: "etcd/1", isLeader: true, firstIsThere: false, others: [reportOf(2)] },
    "join",
  ],
  ["the data is of the restored generation", { record: { ...RECORD, generation: 1 }, own: data(1) }, "run"],
  ["the data is older than a restore", {
    unit: "etcd/1",
    record: { ...RECORD, generation: 1 },
    others: [reportOf(0, { generation: 1 })],
    own: { ...data(), started: true },
  }, "join"],
  ["the same, who restored is gone", {
    unit: "etcd/1",
    record: { ...RECORD, generation: 1 },
    own: { ...data(), started: true },
  }, `wait: ${TEXT.noFirst}`],
  ["a restore was cut short, leader", { isLeader: true, own: data(2) }, "announce 2"],
  ["a restore was cut short, another leads", {
    isLeader: true,
    unit: "etcd/1",
    others: [reportOf(0, { generation: 1 })],
    own: data(),
  }, "announce 1"],
  ["a restore was cut short here, another leads", { own: data(1) }, "run"],
];

Deno.test("etcd server: the next step", () => {
  assertEquals(STEPS.map(([what, facts]) => [what, stepOf(facts)]), STEPS.map(([what, , step]) => [what, step]));
});

function member(number: number, more: Partial<Member> = {}): Member {
  const address = `10.0.0.${number}`;
  return {
    id: `10${number}`,
    name: `etcd${number}`,
    peerUrls: [`https://${address}:2380`],
    clientUrls: [`https://${address}:2379`],
    isLearner: false,
    ...more,
  };
}

function view(members: readonly Member[], serving: readonly number[], answering: readonly number[] = serving): View {
  const urls = (numbers: readonly number[]) => numbers.map((number) => `https://10.0.0.${number}:2379`);
  return { members, serving: urls(serving), answering: urls(answering), alarmed: [], isSure: serving.length > 0 };
}

const THREE = [member(0), member(1), member(2)];

Deno.test("etcd server: the cluster in words", () => {
  const words = (seen: View) => condition(seen);
  assertEquals(words(view([member(0)], [0])), { healthy: true, text: "Healthy with 1 known peer" });
  assertEquals(words(view(THREE, [0, 1, 2])), { healthy: true, text: "Healthy with 3 known peers" });
  const unhealthy = "UnHealthy with 3 known peers";
  const full = { ...view(THREE, [0, 1, 2]), alarmed: view(THREE, [1]).serving };
  assertEquals(words(full), { healthy: false, text: `${unhealthy}: etcd1 raises an alarm; see the action health` });
  assertEquals(words(view(THREE, [0, 2])), { healthy: false, text: `${unhealthy}: etcd1 does not serve` });
  assertEquals(words(view(THREE, [], [0])), {
    healthy: false,
    text: `${unhealthy}: no quorum; bring etcd1, etcd2 back`,
  });
  assertEquals(words(view(THREE, [], [0, 1, 2])), {
    healthy: false,
    text: `${unhealthy}: no quorum; the members do not reach each other`,
  });
  const joining = [member(0), member(1, { name: "", clientUrls: [], isLearner: true })];
  assertEquals(words(view(joining, [0])).text, "UnHealthy with 2 known peers: https://10.0.0.1:2380 does not serve");
});

Deno.test("etcd server: where the own member stands", () => {
  const own = { name: "etcd1", peerUrl: "https://10.0.0.1:2380", memberId: "101" };
  assertEquals(standing(view(THREE, [0, 1, 2]), own), { member: member(1), isRemoved: false, serves: true });
  assertEquals(standing(view(THREE, [0, 2]), own), { member: member(1), isRemoved: false, serves: false });
  const without = [member(0), member(2)];
  assertEquals(standing(view(without, [0, 2]), own).isRemoved, true);
  assertEquals(standing(view(without, []), own).isRemoved, false, "who has no quorum may know nothing");
  assertEquals(
    standing(view(THREE, [0]), { ...own, memberId: "999" }).isRemoved,
    true,
    "its data is of an older entry",
  );
  assertEquals(standing(view(THREE, [0]), { ...own, memberId: undefined }).member, member(1));
});

Deno.test("etcd server: members that units left behind", () => {
  const gone = (number: number, more: Partial<UnitReport> = {}) => [reportOf(number, more)];
  assertEquals(leftovers(THREE, gone(1), []), [member(1)]);
  assertEquals(leftovers(THREE, gone(1, { memberId: undefined, peerUrl: undefined }), []), [member(1)], "by name");
  assertEquals(leftovers(THREE, gone(7), []), []);
  const unstarted = member(1, { id: "500", name: "", clientUrls: [] });
  const list = [member(0), unstarted];
  assertEquals(leftovers(list, gone(1), [reportOf(0)]), [unstarted], "by URL");
  assertEquals(
    leftovers(list, gone(1), [reportOf(4, { peerUrl: "https://10.0.0.1:2380" })]),
    [],
    "a new unit's by now",
  );
  const renewed = member(4, { peerUrls: ["https://10.0.0.1:2380"] });
  assertEquals(leftovers([renewed], gone(1), []), [], "the address has a member of another name");
});

Deno.test("etcd server: the connection string has members that have started and vote, sorted", () => {
  const members = [member(2), member(10), member(1, { isLearner: true }), member(3, { name: "", clientUrls: [] })];
  assertEquals(connectionString(members), "https://10.0.0.10:2379,https://10.0.0.2:2379");
  assertEquals(connectionString([member(0, { clientUrls: ["https://[fd00::0:1]:2379"] })]), "https://[fd00::1]:2379");
  assertEquals(connectionString([]), "");
});

Deno.test("etcd server: who has to be well before another joins", () => {
  assertEquals(unwell(view(THREE, [0, 1, 2])), []);
  assertEquals(unwell(view(THREE, [0, 1])), ["etcd2"]);
  const joining = [member(0), member(1, { name: "", clientUrls: [], isLearner: true })];
  assertEquals(unwell(view(joining, [0])), ["https://10.0.0.1:2380"], "one join at a time");
});

Deno.test("etcd server: the own id is what the member tells, but never that of another unit's member", () => {
  assertEquals(ownId(THREE, "etcd1", "101", "900"), "101", "it has joined anew since");
  assertEquals(ownId(THREE, "etcd1", undefined, "900"), "900");
  assertEquals(ownId(THREE, "etcd1", "100", "101"), "101", "etcd0 answers at the own address");
  assertEquals(ownId(THREE, "etcd1", "100", undefined), undefined);
  assertEquals(ownId([member(0)], "etcd1", "101", undefined), "101", "the others have removed it");
});

Deno.test("etcd server: who has to serve before a member may leave", () => {
  assertEquals(neededFor(view(THREE, [0, 1, 2]), "100"), []);
  assertEquals(neededFor(view(THREE, [0, 1]), "100"), ["etcd2"], "one of two is no majority");
  assertEquals(neededFor(view([...THREE, member(3)], [0, 1, 2]), "100"), [], "two of three are one");
  assertEquals(neededFor(view([member(0), member(1)], [0]), "100"), ["etcd1"]);
  assertEquals(neededFor(view([member(0), member(1)], [0, 1]), "100"), []);
  assertEquals(neededFor(view([member(0), member(1, { isLearner: true })], [0]), "100"), []);
});

Deno.test("etcd server: who has to vote before the only voter leaves", () => {
  const learner = member(1, { isLearner: true });
  assertEquals(mustPromote([member(0), learner], "100"), learner);
  assertEquals(mustPromote([member(0), learner, member(2)], "100"), undefined);
  assertEquals(mustPromote([member(0), learner], "101"), undefined, "the learner itself goes");
  assertEquals(mustPromote([member(0)], "100"), undefined);
});
