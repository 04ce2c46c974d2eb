/** What Patroni's replies mean: both versions, hostile values, refusals. */
import { assert, assertEquals, assertInstanceOf, assertNotMatch, assertThrows } from "@std/assert";
import { refusalOf } from "../../interfaces/clients/patroni/answer.ts";
import { PatroniRefusedError } from "../../interfaces/clients/patroni/errors.ts";
import {
  isReady,
  isStale,
  leads,
  readCluster,
  readHistory,
  readInstance,
} from "../../interfaces/clients/patroni/values.ts";
import { AuthenticationError, NotPermittedError, ReplyError } from "../../interfaces/clients/errors.ts";

const MEMBER = { name: "pg-0", role: "leader", state: "running", host: "10.0.0.1", port: 5432, timeline: 1 };

Deno.test("versions 3 and 4 say the same in different words", () => {
  const three = readCluster({
    members: [
      { ...MEMBER, api_url: "https://10.0.0.1:8008/patroni" },
      { ...MEMBER, name: "pg-1", role: "sync_standby", lag: 0 },
      { ...MEMBER, name: "pg-2", role: "replica", state: "creating replica", lag: "unknown", pending_restart: true },
    ],
  });
  const four = readCluster({
    members: [
      { ...MEMBER, role: "primary", api_url: "https://10.0.0.1:8008/patroni", tags: {} },
      { ...MEMBER, name: "pg-1", role: "sync_standby", state: "streaming", lag: 0, replay_lag: 0 },
      { ...MEMBER, name: "pg-2", role: "replica", state: "creating replica", lag: "unknown", pending_restart: true },
    ],
    scope: "pg",
  });
  assertEquals(three.members.map(({ role }) => role), four.members.map(({ role }) => role));
  assertEquals(four.members.map(({ state }) => isReady(state)), [true, true, false]);
  assertEquals(four.members.map(({ role }) => leads(role)), [true, false, false]);
  assertEquals(three.members.map(({ lag }) => lag), [undefined, 0, "unknown"]);
  assertEquals(three.members.map(({ pendingRestart }) => pendingRestart), [false, false, true]);
  assertEquals([three.paused, three.scheduledSwitchover], [false, false]);
  const paused = readCluster({ members: [], pause: true, scheduled_switchover: { at: "2030-01-01T00:00:00+00:00" } });
  assertEquals([paused.paused, paused.scheduledSwitchover], [true, true]);
  for (const role of ["master", "primary"]) {
    assertEquals(readInstance({ state: "running", role }, undefined, 0).role, "primary");
  }
});

Deno.test("only running and streaming are ready, whatever else Patroni says", () => {
  const words = ["starting", "stopping", "stopped", "restarting", "crashed", "start failed", "creating replica"];
  for (const state of [...words, "initializing new cluster", "constructor", "", null, 7, { a: 1 }]) {
    const [member] = readCluster({ members: [{ ...MEMBER, state }] }).members;
    assert(member && !isReady(member.state), `${state}`);
  }
  assertEquals(readCluster({ members: [{ ...MEMBER, role: "toString" }] }).members[0]?.role, "unknown");
});

Deno.test("names, hosts and numbers of a hostile reply are refused or left out", () => {
  const names = ["", "a b", "a'; DROP TABLE x", 'a"b', "a\nb", "../x", "-a", "x".repeat(129), 7, null, "pg–0"];
  for (const name of names) {
    const error = assertThrows(
      () => readCluster({ members: [{ ...MEMBER, name }] }),
      ReplyError,
      "a member whose name",
    );
    assertNotMatch(error.message, /DROP/);
  }
  assertThrows(() => readCluster({ members: [MEMBER, MEMBER] }), ReplyError, "two members with one name");
  for (const members of [undefined, "pg-0", {}, [1], Array(1001).fill(MEMBER)]) {
    assertThrows(() => readCluster(members === undefined ? {} : { members }), ReplyError);
  }
  const odd = { name: "pg-0", role: "replica", state: "running", host: "a b", port: 70000, timeline: -1, lag: 1.5 };
  const [member] = readCluster({ members: [{ ...odd, api_url: "file:///etc/passwd" }] }).members;
  assertEquals(member, { name: "pg-0", role: "replica", state: "running", lag: "unknown", pendingRestart: false });
});

Deno.test("the age of a view is told by the server's own clock", () => {
  const status = (seen: unknown) =>
    readInstance({ state: "running", role: "replica", dcs_last_seen: seen }, true, 60_000);
  assertEquals([status(50).stalenessMs, status(70).stalenessMs, status(0).stalenessMs], [10_000, 0, undefined]);
  assertEquals([isStale(status(50), 10_000), isStale(status(50), 9_999), isStale(status("x"), 1e9)], [
    false,
    true,
    true,
  ]);
});

Deno.test("the history is a list of timelines", () => {
  const lines = [[1, 67109328, "no recovery target specified", "2030-01-01T00:00:00+00:00", "pg-1"], [2, 5, "x"]];
  assertEquals(readHistory(lines).map(({ timeline, leader }) => [timeline, leader]), [[1, "pg-1"], [2, undefined]]);
  for (const wrong of [undefined, {}, [1], [[1]], [["1", 2, "x"]]]) assertThrows(() => readHistory(wrong), ReplyError);
});

Deno.test("refusals are told apart and said in other words", () => {
  const cases: [number, string, string][] = [
    [503, "I am the leader, can not reinitialize", "is-leader"],
    [503, "reinitialize already in progress", "in-progress"],
    [409, "Another restart is already scheduled", "in-progress"],
    [503, "Cluster has no leader, can not reinitialize", "no-leader"],
    [412, "leader name does not match", "wrong-leader"],
    [412, "candidate name does not match with sync_standby", "candidate-not-sync"],
    [412, "candidate does not exists", "candidate-unknown"],
    [412, "switchover is not possible: no good candidates have been found", "no-candidate"],
    [412, "switchover is not possible: can not find sync_standby", "no-candidate"],
    [400, "Switchover is possible only to a specific candidate in a paused state", "paused"],
    [503, "Switchover failed", "failed"],
    [503, "postgres is still starting", "failed"],
    [400, "<!DOCTYPE HTML>", "invalid"],
    [409, "<!DOCTYPE HTML>", "conflict"],
    [502, "<!DOCTYPE HTML>", "not-running"],
    [500, "", "failed"],
  ];
  for (const [status, text, reason] of cases) {
    const error = refusalOf("a wish", { status, text });
    assertInstanceOf(error, PatroniRefusedError, text);
    assertEquals([error.reason, error.status], [reason, status], text);
    assert(!error.message.includes(text) || text === "", error.message);
  }
  assertInstanceOf(refusalOf("a wish", { status: 401, text: "no auth header received" }), AuthenticationError);
  assertInstanceOf(refusalOf("a wish", { status: 403, text: "Access is denied" }), NotPermittedError);
  assertInstanceOf(refusalOf("a wish", { status: 404, text: "" }), ReplyError);
});
