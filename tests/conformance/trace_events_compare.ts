/**
 * Compares what an event did with what a trace expects. Source of the rules: data/traces/README.md.
 *
 * @module
 */
import type { Difference } from "./trace_compare.ts";
import type { EventBag, EventCall, EventExpectation } from "./trace_events_format.ts";
import type { EventOutcome } from "./trace_events_run.ts";
import type { Json } from "./trace_format.ts";

/** What differs; nothing when the event did as expected. Of errors only that there is one counts. */
export function compareEvent(expect: EventExpectation, outcome: EventOutcome): Difference[] {
  const found: Difference[] = [];
  const compare = (what: string, expected: unknown, got: unknown) => {
    const [left, right] = [canonical(expected), canonical(got)];
    if (left !== right) found.push({ what, expected: left, got: right });
  };
  const isError = expect.error !== undefined;
  if (isError !== (outcome.error !== undefined)) {
    found.push({ what: "error", expected: isError ? canonical(expect.error) : "none", got: outcome.error ?? "none" });
  }
  compare("calls", expect.calls.map(callOf), outcome.calls.map(callOf));
  compareProperties("before", expect.state_before, outcome.before, compare);
  if (isError || outcome.error !== undefined) return found;
  compare("unit_status", expect.unit_status, outcome.unitStatus);
  compare("app_status", expect.app_status, outcome.appStatus);
  compare("unit_status_history", expect.unit_status_history ?? [], outcome.unitHistory);
  compare("app_status_history", expect.app_status_history ?? [], outcome.appHistory);
  compare("peer.app", expect.peer?.app, outcome.peer?.app);
  compare("peer.unit", expect.peer?.unit, outcome.peer?.unit);
  compare("relations", withPlainIds(expect.relations ?? {}), outcome.relations);
  compareSecrets(expect.secrets ?? [], outcome.secrets, compare);
  compare("deferred", observers(expect.deferred), observers(outcome.deferred));
  compare("action.failed", expect.action?.failed, outcome.action?.failed);
  compare("action.results", expect.action?.results, outcome.action?.results);
  compareProperties("after", expect.state_after, outcome.after, compare);
  return found;
}

/** A secret's id with the model's UUID names the same secret as the one without. */
function withPlainIds(bags: Readonly<Record<string, EventBag>>): Record<string, EventBag> {
  const plain = (value: string) => value.replace(/^secret:\/\/[^/]+\//, "secret:");
  return Object.fromEntries(
    Object.entries(bags).map(([id, bag]) => {
      const secretId = bag["secret-id"];
      return [id, secretId === undefined ? bag : { ...bag, "secret-id": plain(secretId) }];
    }),
  );
}

type Compare = (what: string, expected: unknown, got: unknown) => void;

function observers(deferred: EventExpectation["deferred"]): string[] {
  return (deferred ?? []).map(({ observer }) => observer);
}

function callOf({ target, method, args, kwargs, seconds }: EventCall): Json {
  return { target, method: method ?? null, args: args ?? [], kwargs: kwargs ?? {}, seconds: seconds ?? null };
}

function compareProperties(when: string, expected: Json = {}, got: Json | undefined, compare: Compare): void {
  for (const [name, value] of Object.entries(expected)) {
    compare(`${when}.${name}`, errorOnly(value), got?.[name]);
  }
}

function errorOnly(value: unknown): unknown {
  return typeof value === "object" && value !== null && "error" in value ? { error: true } : value;
}

/** A trace lists for each secret only what it knows about it. */
function compareSecrets(expected: readonly Json[], got: readonly Json[], compare: Compare): void {
  compare("secrets", expected.map(({ id }) => id), got.map(({ id }) => id));
  for (const secret of expected) {
    const ours = got.find(({ id }) => id === secret.id) ?? {};
    for (const [key, value] of Object.entries(secret)) compare(`secrets.${key}`, value, ours[key]);
  }
}

/** Text that is the same for equal values, whatever the order of keys. */
function canonical(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? "nothing";
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}
