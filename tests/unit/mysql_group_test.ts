import { assert, assertEquals, assertThrows } from "@std/assert";
import { joinMethod } from "../../interfaces/clients/mysql/clone.ts";
import { OutageError } from "../../interfaces/clients/mysql/errors.ts";
import { isReplica, REPLICATION_CHANNEL } from "../../interfaces/clients/mysql/fencing.ts";
import { GtidSet } from "../../interfaces/clients/mysql/gtid.ts";
import { endpointsOf, type Member, viewOf } from "../../interfaces/clients/mysql/members.ts";
import { chooseCandidate, type Knowledge } from "../../interfaces/clients/mysql/outage.ts";
import type { Channel } from "../../interfaces/clients/mysql/status.ts";

const G = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const OWN = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";

function knowledge(number: number, executed: string, received = "", state: Knowledge["state"] = "OFFLINE"): Knowledge {
  const set = GtidSet.parse(executed);
  return {
    uuid: `${number}`,
    host: `10.0.0.${number}`,
    port: 3306,
    state,
    executed: set,
    all: set.union(GtidSet.parse(received)),
  };
}

function member(number: number, state: Member["state"], role: Member["role"]): Member {
  return { uuid: `${number}`, host: `10.0.0.${number}`, port: 3306, state, role, version: "9.7.4" };
}

Deno.test("mysql outage: who has everything is chosen", () => {
  const [first, second, third] = [knowledge(1, `${G}:1-5`), knowledge(2, `${G}:1-7`), knowledge(3, `${G}:1-6`)];
  assertEquals(chooseCandidate([first, second, third]).host, "10.0.0.2");
});

Deno.test("mysql outage: transactions that were only received count", () => {
  const behind = knowledge(1, `${G}:1-4`, `${G}:5`);
  const ahead = knowledge(2, `${G}:1-5`);
  // Both have everything: the one with nothing left to apply is open first.
  assertEquals(chooseCandidate([behind, ahead]).host, "10.0.0.2");
  assertEquals(chooseCandidate([knowledge(1, `${G}:1-4`, `${G}:5-6`), ahead]).host, "10.0.0.1");
});

Deno.test("mysql outage: of equals the first one, also with gaps and without any transaction", () => {
  assertEquals(chooseCandidate([knowledge(3, `${G}:1-9:1000009`), knowledge(1, `${G}:1-9:1000009`)]).host, "10.0.0.3");
  assertEquals(chooseCandidate([knowledge(2, ""), knowledge(1, "")]).host, "10.0.0.2");
  // Neither has executed all that the other has, but received it.
  const left = knowledge(1, `${G}:1-4:6`, `${G}:5`);
  const right = knowledge(2, `${G}:1-5`, `${G}:6`);
  assertEquals(chooseCandidate([left, right]).host, "10.0.0.1");
});

Deno.test("mysql outage: refusals say why and about whom", () => {
  const reason = (run: () => Knowledge) => {
    const error = assertThrows(run, OutageError);
    return [error.reason, ...error.members];
  };
  const one = knowledge(1, `${G}:1-5`);
  assertEquals(reason(() => chooseCandidate([one], ["10.0.0.2:3306"])), ["unasked", "10.0.0.2:3306"]);
  assertEquals(chooseCandidate([one], ["10.0.0.2:3306"], { force: true }), one);
  const diverged = [knowledge(1, `${G}:1-5,${OWN}:1`), knowledge(2, `${G}:1-6`)];
  assertEquals(reason(() => chooseCandidate(diverged)), ["diverged", "10.0.0.1:3306", "10.0.0.2:3306"]);
  assertEquals(reason(() => chooseCandidate(diverged, [], { force: true })), [
    "diverged",
    "10.0.0.1:3306",
    "10.0.0.2:3306",
  ]);
  for (const state of ["ONLINE", "RECOVERING"] as const) {
    const running = [one, knowledge(2, `${G}:1-5`, "", state)];
    assertEquals(reason(() => chooseCandidate(running, [], { force: true })), ["running", "10.0.0.2:3306"]);
  }
  assertEquals(reason(() => chooseCandidate([])), ["diverged"]);
});

Deno.test("mysql join: incremental, clone or refused", () => {
  const facts = (joiner: string, group: string, ...purged: string[]) => joinMethod({ joiner, group, purged });
  assertEquals(facts("", `${G}:1-9`, "", ""), { method: "incremental" });
  assertEquals(facts(`${G}:1-5`, `${G}:1-9`, `${G}:1-5`), { method: "incremental" });
  assertEquals(facts(`${G}:1-5`, `${G}:1-9`, `${G}:1-5`, `${G}:1-6`), { method: "clone" });
  assertEquals(facts("", `${G}:1-9`, `${G}:1-2`), { method: "clone" });
  assertEquals(facts("", `${G}:1-9`), { method: "clone" });
  assertEquals(facts(`${G}:1-5,${OWN}:1-2`, `${G}:1-9`, ""), { method: "refused", errant: `${OWN}:1-2` });
});

Deno.test("mysql members: quorum and who takes writes", () => {
  const healthy = [member(1, "ONLINE", "primary"), member(2, "ONLINE", "secondary"), member(3, "ONLINE", "secondary")];
  const seen = viewOf(healthy, "1", false);
  assert(seen.quorum && seen.writable && seen.online === 3 && seen.primary?.uuid === "1");
  assert(!viewOf(healthy, "1", true).writable, "a fenced primary takes no writes");
  assert(!viewOf(healthy, "2", false).writable, "a secondary takes no writes");
  const oneLost = [
    member(1, "ONLINE", "primary"),
    member(2, "ONLINE", "secondary"),
    member(3, "UNREACHABLE", "secondary"),
  ];
  assert(viewOf(oneLost, "1", false).writable);
  const twoLost = [
    member(1, "ONLINE", "primary"),
    member(2, "UNREACHABLE", "secondary"),
    member(3, "UNREACHABLE", "secondary"),
  ];
  assertEquals([viewOf(twoLost, "1", false).quorum, viewOf(twoLost, "1", false).writable], [false, false]);
  const half = [member(1, "ONLINE", "primary"), member(2, "UNREACHABLE", "secondary")];
  assert(!viewOf(half, "1", false).quorum);
  const primaryLost = [
    member(1, "UNREACHABLE", "primary"),
    member(2, "ONLINE", "secondary"),
    member(3, "ONLINE", "secondary"),
  ];
  assertEquals([viewOf(primaryLost, "2", false).quorum, viewOf(primaryLost, "2", false).primary], [true, undefined]);
  for (const state of ["OFFLINE", "ERROR"] as const) assert(!viewOf([member(1, state, "unknown")], "1", false).quorum);
  assertEquals(viewOf([], undefined, false), {
    self: undefined,
    members: [],
    primary: undefined,
    online: 0,
    quorum: false,
    writable: false,
  });
});

Deno.test("mysql members: endpoints", () => {
  const members = [
    member(1, "ONLINE", "primary"),
    member(2, "ONLINE", "secondary"),
    member(3, "RECOVERING", "secondary"),
    member(4, "UNREACHABLE", "secondary"),
  ];
  const known = [1, 2, 3, 4, 5].map((number) => ({ host: `10.0.0.${number}`, port: 3306 }));
  assertEquals(endpointsOf({ members, quorum: true }, known), {
    rw: ["10.0.0.1:3306"],
    ro: ["10.0.0.2:3306"],
    offline: ["10.0.0.3:3306", "10.0.0.4:3306", "10.0.0.5:3306"],
  });
  assertEquals(endpointsOf({ members, quorum: true }, [], { readOnly: true }).rw, []);
  assertEquals(endpointsOf({ members, quorum: true }, [], { readOnly: true }).ro, ["10.0.0.1:3306", "10.0.0.2:3306"]);
  assertEquals(endpointsOf({ members, quorum: false }).rw, []);
  assertEquals(endpointsOf({ members: [], quorum: false }, [{ host: "fd00::1", port: 3306 }]).offline, [
    "[fd00::1]:3306",
  ]);
});

Deno.test("mysql: a replica is told by its channel", () => {
  const channel: Channel = {
    name: REPLICATION_CHANNEL,
    host: "10.1.0.1",
    port: 3306,
    user: "r",
    receiver: "ON",
    applier: "ON",
    errorNumber: 0,
    receivedSet: "",
  };
  assertEquals([isReplica([]), isReplica([channel]), isReplica([{ ...channel, name: "other" }])], [false, true, false]);
});
