import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { deferAgain, deferralKey, isDue, isExpired } from "../../hooks/deferral.ts";
import type { RelationEvent, SecretEvent } from "../../hooks/event.ts";
import { deferred } from "../../hooks/outcome.ts";

const endpoint = { name: "db", role: "provides", interface: "mysql", scope: "global" } as const;

function changed(overrides: Partial<RelationEvent> = {}): RelationEvent {
  return {
    kind: "relation",
    name: "db-relation-changed",
    phase: "changed",
    endpoint,
    relationId: 1,
    remoteUnit: "app/0",
    remoteApp: "app",
    ...overrides,
  };
}

Deno.test("keys tell apart what differs in unit, relation, application or handler", () => {
  const { remoteUnit: _unit, ...application } = changed();
  const keys = [
    deferralKey("db:changed", changed()),
    deferralKey("db:changed", changed({ remoteUnit: "app/1" })),
    deferralKey("db:changed", changed({ relationId: 2 })),
    deferralKey("db:changed", changed({ remoteApp: "other" })),
    deferralKey("db:other", changed()),
    deferralKey("db:changed", application),
  ];
  assertEquals(new Set(keys).size, keys.length);
  assertEquals(deferralKey("db:changed", changed()), keys[0]);
});

Deno.test("names with separators in them cannot make two events the same", () => {
  const a = deferralKey('a","b', changed({ name: "c" }));
  const b = deferralKey("a", changed({ name: 'b","c' }));
  assertNotEquals(a, b);
});

Deno.test("revisions of one secret are different events", () => {
  const secret = (revision: number): SecretEvent => ({
    kind: "secret",
    name: "secret-remove",
    phase: "remove",
    secretId: "secret:x",
    revision,
  });
  assertNotEquals(deferralKey(":secretRemove", secret(1)), deferralKey(":secretRemove", secret(2)));
});

Deno.test("a second deferral keeps the first time and counts on", () => {
  const first = deferAgain("db:changed", changed(), deferred("wait", { retryAfterMs: 500 }), undefined, 1_000);
  assertEquals([first.firstSeen, first.attempts, first.due], [1_000, 1, 1_500]);
  const second = deferAgain("db:changed", changed(), deferred("still"), first, 2_000);
  assertEquals([second.firstSeen, second.attempts, second.due, second.reason], [1_000, 2, 2_000, "still"]);
});

Deno.test("the deadline counts from the first deferral and does not move", () => {
  const outcome = deferred("wait", { retryAfterMs: 10_000, deadlineMs: 300 });
  const first = deferAgain("db:broken", changed(), outcome, undefined, 1_000);
  const second = deferAgain("db:broken", changed(), outcome, first, 1_200);
  assertEquals(second.deadline, 1_300);
  assert(!isExpired(second, 1_299));
  assert(isExpired(second, 1_300));
  assert(!isDue(second, 1_299));
  assert(isDue(second, 1_300), "an expired entry runs one last time even before it is due");
});
