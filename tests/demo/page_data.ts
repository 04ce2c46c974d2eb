/**
 * What the page shows of each run, as plain data.
 *
 * @module
 */
import type { TimelineEntry } from "../model/mod.ts";
import { deferralsOf } from "./facts.ts";

/** A changed key; null: it was not there, or is gone. */
export type KeyChange = readonly [key: string, before: string | null, after: string | null];

/** A run. */
export interface RunDetails {
  readonly unit: string;
  readonly name: string;
  /** Relation and remote unit or application; empty outside relations. */
  readonly about: string;
  /** Milliseconds since the model began. */
  readonly start: number;
  readonly ms: number;
  readonly outcome: string;
  readonly error: string;
  readonly faults: readonly string[];
  readonly attempt: number;
  readonly leader: boolean;
  readonly status: string;
  readonly commands: string;
  readonly bags: readonly { readonly title: string; readonly changes: readonly KeyChange[] }[];
  /** Names of the stored values that changed. */
  readonly state: readonly string[];
  readonly deferred: readonly string[];
  readonly resumed: readonly string[];
}

/**
 * Details of a run.
 *
 * @param entry the run
 * @param relations names of relations by id
 */
export function detailsOf(entry: TimelineEntry, relations: ReadonlyMap<number, string>): RunDetails {
  const { unit, name, relation, remoteUnit, remoteApp, start, end, outcome, error, faults, attempt, leader } = entry;
  const { added, resolved } = deferralsOf(entry);
  const { status, message } = entry.status;
  return {
    unit,
    name,
    about: [relation, remoteUnit || remoteApp].filter((part) => part !== "").join(", remote "),
    start: Math.round(start),
    ms: Math.round(end - start),
    outcome,
    error,
    faults,
    attempt,
    leader,
    status: [status, message].filter((part) => part !== "").join(": "),
    commands: tally(entry.commands.map((command) => command.name)),
    bags: entry.bags.map(({ relationId, bag, owner, before, after }) => ({
      title: `${bag === "app" ? "application" : "unit"} databag of ${owner} in ${relations.get(relationId) ?? ""}`,
      changes: changesOf(before, after),
    })),
    state: entry.state ? changesOf(entry.state.before, entry.state.after).map(([key]) => key) : [],
    deferred: added,
    resumed: resolved,
  };
}

function changesOf(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): KeyChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.filter((key) => before[key] !== after[key])
    .map((key) => [key, shown(key, before[key]), shown(key, after[key])] as const);
}

/** Interfaces hand out keys and passwords in databags: the page does not. */
function shown(key: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  if (/(^|-)passwords?$/.test(key)) return "(password)";
  return value.replaceAll(
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----/g,
    "(private key)",
  );
}

/** Such as `is-leader, relation-get ×3`, in the order of first uses. */
function tally(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => count === 1 ? name : `${name} ×${count}`).join(", ");
}
