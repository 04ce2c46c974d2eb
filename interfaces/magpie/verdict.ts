/**
 * What the results of all checks mean for the unit's status and log.
 *
 * @module
 */
import type { CheckResult } from "../clients/net/result.ts";
import { summarise } from "../clients/net/summary.ts";
import { TEXT } from "./texts.ts";

/** Lines of the log about one run of the checks. */
const MAX_LINES = 50;

/** What a run of the checks found. */
export interface Findings {
  readonly results: readonly CheckResult<unknown>[];
  /** Units whose iperf server does not listen yet, or that a later hook measures. */
  readonly pending: readonly string[];
  /** Peers that some check had no time for: a later hook checks them. */
  readonly unchecked: readonly string[];
  readonly peers: number;
  /** What peers publish that was left aside. */
  readonly notes: readonly string[];
}

/** The unit's status. */
export interface Verdict {
  readonly level: "active" | "waiting" | "blocked";
  readonly line: string;
}

/** Active only when everything passes; blocked with what fails towards whom; waiting while something is not known yet. */
export function judge({ results, pending, unchecked, peers }: Findings): Verdict {
  if (peers === 0) return { level: "waiting", line: TEXT.noPeers };
  const isKnown = pending.length + unchecked.length === 0;
  if (results.length === 0 && isKnown) return { level: "active", line: TEXT.noChecks };
  const { ok, line } = summarise(results, peers);
  if (!ok) return { level: "blocked", line };
  if (isKnown) return { level: "active", line };
  const checked = unchecked.length === 0 ? line : TEXT.notChecked(line, unchecked);
  return { level: "waiting", line: pending.length === 0 ? checked : TEXT.awaitsServers(checked, pending) };
}

/** The lines that the log gets about what fails. */
export function detailsOf({ results, notes }: Pick<Findings, "results" | "notes">): string[] {
  const failed = results.filter(({ ok }) => !ok).map(({ check, target, address, reason = "failed" }) =>
    `${check}: ${target}${address === undefined ? "" : ` (${address})`}: ${reason}`
  );
  const lines = [...failed, ...notes];
  const more = lines.length - MAX_LINES;
  return more > 0 ? [...lines.slice(0, MAX_LINES), `and ${more} more`] : lines;
}

/** Tells whether the log has it already: which check fails towards whom. Why it does is often worded anew each time. */
export async function digestOf({ results, notes }: Pick<Findings, "results" | "notes">): Promise<string> {
  const failed = results.filter(({ ok }) => !ok).map(({ check, target, address = "" }) => [check, target, address]);
  if (failed.length + notes.length === 0) return "";
  const text = JSON.stringify([failed, notes]);
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
