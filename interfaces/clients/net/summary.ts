/**
 * The results of all checks in one line, as a unit's status shows it.
 *
 * @module
 */
import type { CheckResult } from "./result.ts";

const MAX_LENGTH = 200;
/** Failed targets of one check that the line names. */
const MAX_NAMED = 3;
const MAX_NAME = 40;
const MAX_REASON = 100;

/** Checks of this machine itself, not of a peer. */
const OWN: ReadonlySet<string> = new Set(["link", "hostname"]);

/** The line, and whether everything passed. */
export interface Summary {
  readonly ok: boolean;
  readonly line: string;
}

/**
 * Sums up: `icmp ok, dns ok, mtu 1500 ok, 3 peers`, or with the failures first
 * `icmp failed: magpie/2 (0/3 replies), dns ok, 3 peers`.
 *
 * @param results of any number of checks, in the order in which the line names these
 * @param peers how many peers there are; the targets of all checks but `link` and `hostname` unless given
 * @param maxLength of the line in characters; 200 unless given
 */
export function summarise(results: readonly CheckResult<unknown>[], peers?: number, maxLength = MAX_LENGTH): Summary {
  const checks = new Map<string, CheckResult<unknown>[]>();
  for (const result of results) {
    const same = checks.get(result.check);
    if (same === undefined) checks.set(result.check, [result]);
    else same.push(result);
  }
  const failed = results.filter(({ ok }) => !ok);
  const parts = [...checks].map(([check, all]) => partOf(check, all));
  const count = peers ?? new Set(results.flatMap(({ check, target }) => OWN.has(check) ? [] : [target])).size;
  const sorted = [...parts.filter(({ ok }) => !ok), ...parts.filter(({ ok }) => ok)].map(({ text }) => text);
  const line = [...sorted, `${count} peer${count === 1 ? "" : "s"}`].join(", ");
  return { ok: failed.length === 0, line: shorten(line, maxLength) };
}

function partOf(check: string, results: readonly CheckResult<unknown>[]): { ok: boolean; text: string } {
  const failed = results.filter(({ ok }) => !ok);
  if (failed.length === 0) return { ok: true, text: `${check} ok` };
  const named = failed.slice(0, MAX_NAMED).map(({ target, reason }) =>
    `${shorten(target, MAX_NAME)} (${shorten(reason ?? "failed", MAX_REASON)})`
  );
  const more = failed.length - named.length;
  return { ok: false, text: `${check} failed: ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}` };
}

function shorten(text: string, max: number): string {
  const plain = text.replaceAll(/\p{Cc}/gu, "?");
  return plain.length <= max ? plain : `${plain.slice(0, max - 1)}…`;
}
