import { assertEquals } from "@std/assert";
import type { StoredStatuses } from "../../hooks/state/unit_state.ts";
import { mostUrgent, StatusReporter } from "../../hooks/status.ts";

function statuses(): StoredStatuses {
  return { unit: {}, application: {}, blocked: {} };
}

Deno.test("the most urgent status wins, whoever reported last", () => {
  const stored = statuses();
  new StatusReporter(stored, "db").set("blocked", "no storage");
  new StatusReporter(stored, "web").set("maintenance", "installing");
  new StatusReporter(stored, "cache").set("active");
  assertEquals(mostUrgent(stored, "unit"), ["blocked", "no storage"]);
  new StatusReporter(stored, "db").set("active", "ready");
  assertEquals(mostUrgent(stored, "unit"), ["maintenance", "installing"]);
  new StatusReporter(stored, "web").clear();
  assertEquals(mostUrgent(stored, "unit"), ["active", "ready"]);
});

Deno.test("blocked outcomes are shown with the blocked reports, each message once", () => {
  const stored = statuses();
  stored.blocked.a = "set the password option";
  stored.blocked.b = "set the password option";
  new StatusReporter(stored, "db").set("blocked", "add storage");
  assertEquals(mostUrgent(stored, "unit"), ["blocked", "set the password option; add storage"]);
  assertEquals(mostUrgent(stored, "application"), undefined);
});

Deno.test("nobody reported: the unit's status is left alone", () => {
  assertEquals(mostUrgent(statuses(), "unit"), undefined);
});

Deno.test("messages are one line of bounded length", () => {
  const stored = statuses();
  new StatusReporter(stored, "db").set("waiting", `two\nlines ${"x".repeat(5_000)}`);
  const [, message] = mostUrgent(stored, "unit") ?? ["", ""];
  assertEquals(message.startsWith("two lines x"), true);
  assertEquals(message.length, 1_001);
});
