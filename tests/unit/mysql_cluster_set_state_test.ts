import { assertEquals } from "@std/assert";
import type { ClusterSet, SetMember } from "../../interfaces/clients/mysql/cluster_set/records.ts";
import { verdictOf } from "../../interfaces/clients/mysql/cluster_set/start.ts";
import type { FoundSet, Heard } from "../../interfaces/clients/mysql/cluster_set/state.ts";
import { type ReplicaFacts, statusOf } from "../../interfaces/clients/mysql/cluster_set/status.ts";
import { ClusterSetLockedError } from "../../interfaces/clients/mysql/cluster_set/errors.ts";

const A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const B = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";

const CHANNEL = {
  name: "clusterset_replication",
  host: "10.0.0.1",
  port: 3306,
  user: "recovery",
  receiver: "ON",
  applier: "ON",
  errorNumber: 0,
  receivedSet: "",
  sources: [A],
  failover: true,
} as const;

const WELL: ReplicaFacts = {
  member: { role: "replica", invalidated: false },
  mode: { superReadOnly: true, readOnly: true, opening: false },
  channel: CHANNEL,
  source: A,
  executed: `${A}:1-5`,
  primaryExecuted: `${A}:1-9`,
};

const STATUSES: readonly [what: string, change: Partial<ReplicaFacts>, status: string, errorNumber?: number][] = [
  ["a replica that follows", {}, "ok"],
  ["the primary itself", { member: { role: "primary", invalidated: false }, channel: undefined }, "ok"],
  ["left behind", { member: { role: "replica", invalidated: true } }, "invalidated"],
  ["no channel", { channel: undefined }, "ok_not_replicating"],
  ["stopped", { channel: { ...CHANNEL, receiver: "OFF", applier: "OFF" } }, "ok_not_replicating", 0],
  ["password", { channel: { ...CHANNEL, receiver: "CONNECTING", errorNumber: 1045 } }, "ok_not_replicating", 1045],
  ["purged", { channel: { ...CHANNEL, receiver: "OFF", errorNumber: 13114 } }, "ok_not_replicating", 13114],
  ["applier failed", { channel: { ...CHANNEL, applier: "OFF", errorNumber: 1062 } }, "ok_not_replicating", 1062],
  ["takes writes", { mode: { superReadOnly: false, readOnly: false, opening: false } }, "ok_misconfigured"],
  ["would take writes", { mode: { superReadOnly: true, readOnly: true, opening: true } }, "ok_misconfigured"],
  ["another source", { channel: { ...CHANNEL, sources: [B] } }, "ok_misconfigured"],
  ["one source too many", { channel: { ...CHANNEL, sources: [A, B] } }, "ok_misconfigured"],
  ["no failover", { channel: { ...CHANNEL, failover: false } }, "ok_misconfigured"],
  ["transactions of its own", { executed: `${A}:1-5,${B}:1` }, "ok_not_consistent"],
  ["more than the primary", { executed: `${A}:1-10` }, "ok_not_consistent"],
  ["the primary cannot be asked", { executed: `${A}:1-10`, primaryExecuted: undefined }, "ok"],
];

for (const [what, change, status, errorNumber] of STATUSES) {
  Deno.test(`cluster set: status of a replica: ${what}`, () => {
    const said = statusOf({ ...WELL, ...change });
    assertEquals([said.status, said.errorNumber], [status, errorNumber]);
    assertEquals(said.status === "ok_not_consistent", said.errant !== undefined);
  });
}

function member(name: string, groupName: string, role: "primary" | "replica", invalidated = false): SetMember {
  return { clusterId: name, name, groupName, role, invalidated, instances: [] };
}

function found(clusters: readonly SetMember[], heard: Partial<Heard> = {}): FoundSet {
  const set: ClusterSet = { id: "set", name: "set", viewId: 3, clusters };
  return {
    set,
    own: clusters.find(({ groupName }) => groupName === A),
    primary: clusters.find(({ role }) => role === "primary"),
    others: clusters.filter(({ groupName }) => groupName !== A).map(({ name }) => ({
      name,
      asked: true,
      silent: undefined,
      failures: [],
      rival: false,
      holder: undefined,
      ...heard,
    })),
  };
}

const SILENT = { asked: false };

const VERDICTS: readonly [what: string, found: FoundSet | undefined, wasIn: boolean, open: boolean, why: string][] = [
  ["no set", undefined, false, true, "alone"],
  ["a set that nobody is in yet", found([]), false, true, "alone"],
  ["the only cluster", found([member("a", A, "primary")]), true, true, "primary"],
  ["the others agree", found([member("a", A, "primary"), member("b", B, "replica")]), true, true, "primary"],
  ["nobody to ask", found([member("a", A, "primary"), member("b", B, "replica")], SILENT), true, false, "unasked"],
  [
    "its servers do not know of it",
    found([member("a", A, "primary"), member("b", B, "replica")]),
    false,
    false,
    "stale",
  ],
  [
    "another takes writes",
    found([member("a", A, "primary"), member("b", B, "replica")], { rival: true }),
    true,
    false,
    "rival",
  ],
  ["another took over", found([member("a", A, "replica"), member("b", B, "primary")]), true, false, "replica"],
  ["left behind", found([member("a", A, "replica", true), member("b", B, "primary")]), true, false, "invalidated"],
  ["removed meanwhile", found([member("b", B, "primary")]), true, false, "removed"],
  ["removed, nobody to ask", found([member("b", B, "primary")], SILENT), false, false, "removed"],
];

for (const [what, answers, wasIn, open, why] of VERDICTS) {
  Deno.test(`cluster set: may a cluster take writes when it starts: ${what}`, () => {
    const verdict = verdictOf(answers, wasIn);
    assertEquals([verdict.open, verdict.why], [open, why]);
  });
}

Deno.test("cluster set: who holds the lock is said", () => {
  assertEquals(new ClusterSetLockedError("mysql/1").message.includes("by mysql/1;"), true);
  assertEquals(new ClusterSetLockedError("").message.includes(" by "), false);
});
