/**
 * What has to be the same at the end, whatever happened on the way: without serial numbers, times, the order of lists,
 * made-up passwords and the ids of secrets.
 *
 * @module
 */
import type { Bag } from "../model/state.ts";
import { FIRST_PORT, LEDGER } from "./ledger.ts";
import { filtered, mapped, type View } from "./view.ts";

/** Of a deferred handler that ran again, these change. */
const OF_ATTEMPTS = ["firstSeen", "attempts", "due", "deadline"];
const DEFERRED = "charmlet.deferred.";

/**
 * The end state of a view.
 *
 * @param history keys of stored state and of databags that tell what happened
 */
export function endState(view: View, history: readonly string[] = []): unknown {
  const left = [`charmlet.stored.${LEDGER}`, ...history];
  const withoutHistory = (bag: Bag) => filtered(bag, (key) => !left.includes(key));
  const seen = {
    apps: mapped(view.apps, ({ status }) => status),
    units: mapped(filtered(view.units, (_, { alive }) => alive), ({ status, state, ports }) => ({
      status,
      ports: ports.filter((port) => Number.parseInt(port) < FIRST_PORT),
      deferred: Object.keys(state).filter((key) => key.startsWith(DEFERRED)).sort()
        .map((key) => filtered(JSON.parse(state[key] ?? "{}"), (name) => !OF_ATTEMPTS.includes(name))),
      state: filtered(withoutHistory(state), (key) => !key.startsWith(DEFERRED)),
    })),
    relations: mapped(filtered(view.relations, (_, { alive }) => alive), ({ sides, members, unitBags, appBags }) => ({
      sides,
      members,
      unitBags: mapped(filtered(unitBags, (unit) => members.includes(unit)), withoutHistory),
      appBags: mapped(appBags, withoutHistory),
    })),
    secrets: mapped(view.secrets, ({ owner, content, grants }) => ({ owner, content, grants })),
  };
  return canonical(JSON.parse(withoutSecrets(JSON.stringify(seen), view)));
}

/**
 * Contents and ids of secrets give way to what they are: the first secret of an owner, the second one and so on. What
 * several have is named after the first owner by name.
 */
function withoutSecrets(text: string, { secrets }: View): string {
  const counts = new Map<string, number>();
  const byOwner = Object.entries(secrets).sort(([, a], [, b]) => a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0);
  for (const [id, { owner, content }] of byOwner) {
    const number = (counts.get(owner) ?? 0) + 1;
    counts.set(owner, number);
    const name = `secret ${number} of ${owner}`;
    text = text.replaceAll(id, name);
    for (const [key, value] of Object.entries(content)) text = text.replaceAll(value, `${key} of ${name}`);
  }
  return text;
}

/** Lists in order, and texts that are JSON taken apart, because lists are in them too. */
export function canonical(value: unknown): unknown {
  if (typeof value === "string") {
    const inner = /^[[{]/.test(value) ? parsed(value) : undefined;
    return inner === undefined ? value : canonical(inner);
  }
  if (Array.isArray(value)) return value.map(canonical).sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, canonical(item)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The first places at which two values differ, in words. */
export function differences(wanted: unknown, found: unknown, path = ""): string[] {
  if (JSON.stringify(wanted) === JSON.stringify(found)) return [];
  if (isRecord(wanted) && isRecord(found)) {
    const keys = [...new Set([...Object.keys(wanted), ...Object.keys(found)])];
    return keys.flatMap((key) => differences(wanted[key], found[key], `${path}/${key}`));
  }
  return [`${path}: ${JSON.stringify(found)} in place of ${JSON.stringify(wanted)}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
