/**
 * What a hook command changed, in the words of the conformance cases, and whether it is what a case expects.
 *
 * @module
 */
import { openPorts } from "../model/commands/ports.ts";
import { fromBase64 } from "../model/commands/secret_content.ts";
import type { HookRun, PendingAccess, SecretMetadata } from "../model/hook_run.ts";

type Json = Record<string, unknown>;

/** Effects by kind; a kind without an effect is absent. */
export type Effects = Json;

/**
 * Collects what a run buffered and did at once.
 *
 * @param run the run after the command
 * @param portsBefore the unit's open ports before it
 */
export function effectsOf(run: HookRun, portsBefore: readonly (readonly [string, string])[]): Effects {
  const effects: Effects = {};
  const bags = [...run.relations.values()].flatMap((view) => [
    ...written(view.id, "unit", view.unitWrites),
    ...written(view.id, "app", view.appWrites),
  ]);
  if (bags.length > 0) effects.relation_set = bags.length === 1 ? bags[0] : bags;
  const state = [...run.stateWrites];
  const set = state.filter(([, value]) => value !== null);
  const deleted = state.filter(([, value]) => value === null).map(([key]) => key);
  if (set.length > 0) effects.state_set = Object.fromEntries(set);
  if (deleted.length > 0) effects.state_delete = deleted;
  const ports = openPorts(run);
  if (!same(sorted(ports), sorted(portsBefore))) effects.open_ports = ports;
  if (run.storageAdds.length > 0) {
    effects.storage_add = Object.fromEntries(run.storageAdds.map(({ name, count }) => [name, count]));
  }
  addSecrets(run, effects);
  if (run.action.failed) {
    effects.action_failed = true;
    effects.action_message = run.action.message;
  }
  if (Object.keys(run.action.results).length > 0) effects.action_results = run.action.results;
  if (run.log.length > 0) effects.log = run.log.map(({ level, message }) => ({ level, message }));
  for (const { command, detail } of run.immediate) {
    const [name, value] = IMMEDIATE[command]?.(detail) ?? [command, detail];
    if (name !== "") effects[name] = value;
  }
  return effects;
}

const IMMEDIATE: Readonly<Record<string, (detail: Json) => [string, unknown]>> = {
  "leader-set": (detail) => ["leader_settings_merge", detail],
  "status-set": ({ application, status, message }) => [
    application ? "application_status_set" : "status_set",
    { status, message },
  ],
  "application-version-set": ({ version }) => ["workload_version", version],
  "juju-reboot": ({ when }) => ["reboot", when],
  "action-log": ({ message }) => ["action_log", message],
  "secret-get": () => ["", undefined],
};

function written(id: number, bag: string, writes: ReadonlyMap<string, string>): Json[] {
  if (writes.size === 0) return [];
  const set = [...writes].filter(([, value]) => value !== "");
  const deleted = [...writes].filter(([, value]) => value === "").map(([key]) => key);
  return [{ relation_id: id, bag, set: Object.fromEntries(set), delete: deleted }];
}

function addSecrets(run: HookRun, effects: Effects): void {
  const one = <T>(name: string, list: readonly T[]) => {
    if (list.length > 0) effects[name] = list.length === 1 ? list[0] : list;
  };
  const upsert = ({ id, content, ...rest }: SecretMetadata & { id: string; content?: Record<string, string> }) => ({
    id,
    ...rest,
    ...(content ? { content } : {}),
  });
  one("secret_add", [...run.secretAdds.values()].map(upsert));
  one("secret_set", [...run.secretSets.values()].map(upsert));
  one(
    "secret_remove",
    [...run.secretRemoves].map(([id, revisions]) => ({
      id,
      revision: revisions === "all" ? null : revisions.length === 1 ? revisions[0] : revisions,
    })),
  );
  const access = ({ id, application, unit, relationKey }: PendingAccess) => ({
    id,
    application: application ?? null,
    unit: unit ?? null,
    relation_key: relationKey ?? null,
  });
  one("secret_grant", run.secretGrants.map(access));
  one("secret_revoke", run.secretRevokes.map(access));
}

/** Names that other writers of cases may use for the same effect. */
const ALIASES: Readonly<Record<string, string>> = {
  action_set: "action_results",
  results: "action_results",
  application_version: "workload_version",
  application_version_set: "workload_version",
  version: "workload_version",
  unit_status: "status_set",
  application_status: "application_status_set",
  secret_update: "secret_set",
  logs: "log",
  juju_log: "log",
  reboot_priority: "reboot",
  leader_set: "leader_settings_merge",
};

const FIELD_ALIASES: Readonly<Record<string, string>> = {
  value: "content",
  data: "content",
  rotate: "rotation",
  rotate_policy: "rotation",
  expire: "expiry",
  expire_time: "expiry",
  app: "application",
  relation: "relation_key",
  uri: "id",
};

/** Effects that take place at once; `when: immediately` promises one of them. */
const AT_ONCE: readonly string[] = [
  "leader_settings_merge",
  "status_set",
  "application_status_set",
  "workload_version",
  "action_log",
  "log",
  "reboot",
];

/**
 * Compares effects: every expected one must be there, and no other.
 *
 * @param expected the case's `effects`
 * @param actual what happened
 * @returns what differs; empty when nothing does
 */
export function compareEffects(expected: Json, actual: Effects): string[] {
  const problems: string[] = [];
  const left = Object.fromEntries(Object.entries(actual).filter(([, value]) => !isNothing(value)));
  for (const [name, value] of Object.entries(joinStatus(expected))) {
    if (name === "when") {
      const atOnce = AT_ONCE.some((effect) => Object.hasOwn(actual, effect));
      if (atOnce !== /immediate|at once/.test(String(value))) problems.push(`effect does not happen ${value}`);
      continue;
    }
    const effect = ALIASES[name] ?? name;
    const got = actual[effect];
    delete left[effect];
    if (!matches(effect, value, got)) problems.push(`${name} is ${JSON.stringify(got)}`);
  }
  for (const [name, value] of Object.entries(left)) problems.push(`also caused ${name} ${JSON.stringify(value)}`);
  return problems;
}

/** A status may be given as two effects, `status` and `message`. */
function joinStatus({ status, message, ...rest }: Json): Json {
  if (status === undefined) return message === undefined ? rest : { ...rest, message };
  return { ...rest, status_set: typeof status === "string" ? { status, message: message ?? "" } : status };
}

function matches(effect: string, expected: unknown, got: unknown): boolean {
  if (isNothing(expected)) return got === undefined || isNothing(got);
  switch (effect) {
    case "open_ports":
      return got === undefined ? true : same(sorted(expected as []), sorted(got as []));
    case "relation_set":
      if (got === undefined) return isNothing((expected as Json).set) && isNothing((expected as Json).delete);
      return sameFields(withBag(expected as Json), got);
    case "storage_add":
      return got !== undefined && same(countsOf(expected), got);
    case "action_results":
      return got !== undefined && same(Array.isArray(expected) ? nested(expected) : expected, got);
    case "log":
      return logMatches(expected, got as { level: string; message: string }[]);
    case "action_message":
      return expected === (got ?? "");
    case "reboot":
      return letters(expected).replace("reboot", "") === letters(got);
    default:
      return got !== undefined && sameFields(expected, got);
  }
}

const letters = (value: unknown) => String(value).toLowerCase().replaceAll(/[^a-z]/g, "");

function withBag(expected: Json): Json {
  return expected.bag === "application" ? { ...expected, bag: "app" } : expected;
}

/** Storage to add as `{name: 2}` or `{name: {count: 2}}`. */
function countsOf(expected: unknown): Json {
  return Object.fromEntries(
    Object.entries(expected as Json).map(([name, value]) => {
      return [name, typeof value === "object" && value !== null ? (value as Json).count : value];
    }),
  );
}

/** Action results as a list of `[key, key, value]`, later ones over earlier ones. */
function nested(paths: readonly unknown[]): Json {
  const results: Json = {};
  for (const path of paths as string[][]) {
    let map = results;
    for (const key of path.slice(0, -2)) {
      const inner = map[key];
      const next = typeof inner === "object" && inner !== null ? inner as Json : {};
      map[key] = next;
      map = next;
    }
    map[path.at(-2) ?? ""] = path.at(-1);
  }
  return results;
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** Compares the fields that the case names; a unit or revision that it does not name must be absent. */
function sameFields(expected: unknown, got: unknown): boolean {
  if (typeof expected !== "object" || expected === null || Array.isArray(expected)) return same(expected, got);
  if (typeof got !== "object" || got === null) return false;
  const actual = got as Json;
  const isSecret = "id" in actual;
  if (!isSecret) return same(expected, got);
  const named = new Map(
    Object.entries(expected as Json).map(([key, value]) => [FIELD_ALIASES[key] ?? key, value] as const),
  );
  for (const key of ["unit", "revision"]) {
    if (!named.has(key) && (actual[key] ?? null) !== null) return false;
  }
  return [...named].every(([key, value]) => {
    const other = actual[key] ?? null;
    if (key === "content") return contentMatches(value as Json, (other ?? {}) as Record<string, string>);
    if (key === "id") return String(value).replace(/^secret:/, "") === other;
    if (key === "owner" && (value === "application" || value === "unit")) {
      return (value === "unit") === String(other).includes("/");
    }
    if (key === "expiry" && typeof value === "string" && typeof other === "string") {
      return value === other || Date.parse(value) === Date.parse(other) || Number.isNaN(Date.parse(value));
    }
    return same(value, other);
  });
}

/** Cases may give content as stored (base64) or as text. */
function contentMatches(expected: Json, got: Record<string, string>): boolean {
  if (same(expected, got)) return true;
  return same(expected, Object.fromEntries(Object.entries(got).map(([key, value]) => [key, fromBase64(value)])));
}

function logMatches(expected: unknown, got: readonly { level: string; message: string }[] | undefined): boolean {
  const lines = Array.isArray(expected) ? expected : [expected];
  if (!got || got.length !== lines.length) return false;
  return lines.every((line, index) => {
    const actual = got[index];
    if (typeof line === "string") return actual?.message === line;
    const { level, message } = line as { level?: string; message?: string };
    return (level ?? actual?.level) === actual?.level && (message ?? actual?.message) === actual?.message;
  });
}

function sorted(ports: readonly (readonly [string, string])[]): string[] {
  return ports.map(([endpoint, range]) => `${endpoint} ${range}`).sort();
}

/**
 * Deep equality of JSON values, whatever the order of keys.
 *
 * @param a one value
 * @param b the other
 */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && same((a as Json)[key], (b as Json)[key]));
}
