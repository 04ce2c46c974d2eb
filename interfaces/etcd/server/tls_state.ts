/**
 * Which certificates the application has, in its peer databag: what is trusted, and how far a change of it is.
 *
 * A change of the authority goes in phases, and no phase begins before every unit reports that it did the one before:
 * 1. `trust`: the new authority is trusted beside the old one; the old one still signs
 * 2. `leaves`: the new one signs; both are trusted
 * 3. only the new one is trusted, and the change is over
 *
 * @module
 */
import type { BagData } from "../../../hooks/relation.ts";
import { text } from "../../databag.ts";
import { type UnitReport, whole } from "./record.ts";

/** Phase of a change of the authority; empty without one. */
export type Phase = "" | "trust" | "leaves";

/** The certificates that the units are to have. */
export interface TlsState {
  /** Raised by every change. */
  readonly version: number;
  readonly phase: Phase;
  /** Members' certificates that were made for an older version are to be replaced. */
  readonly leavesSince: number;
  /** Authorities that are trusted, as PEM text. */
  readonly trust: string;
  /** Where the keys are: the application's secret; undefined where Juju has none, then they are in the databag. */
  readonly secret?: string | undefined;
  /** When all units had been seen to have this version, in milliseconds since 1970; 0 before. */
  readonly reachedAt: number;
}

/** Keys of the identities in the databag, where Juju has no secrets. */
export const IDENTITIES_KEY = "tls-identities";

/** The state; undefined before the leader has made an authority. */
export function readTlsState(bag: BagData): TlsState | undefined {
  const version = whole(text(bag, "tls-version"));
  const trust = text(bag, "tls-trust");
  if (version === 0 || trust === undefined) return undefined;
  const phase = text(bag, "tls-phase");
  return {
    version,
    trust,
    phase: phase === "trust" || phase === "leaves" ? phase : "",
    leavesSince: whole(text(bag, "tls-leaves-since")),
    secret: text(bag, "tls-secret"),
    reachedAt: readTime(text(bag, "tls-reached")),
  };
}

/** Milliseconds since 1970; 0 for anything else, so that a change never waits for a time that does not come. */
function readTime(value = ""): number {
  return /^\d{1,15}$/.test(value) ? Number(value) : 0;
}

/** The state for the databag. */
export function writeTlsState(state: TlsState): BagData {
  return {
    "tls-version": String(state.version),
    "tls-phase": state.phase,
    "tls-leaves-since": String(state.leavesSince),
    "tls-trust": state.trust,
    "tls-secret": state.secret ?? "",
    "tls-reached": state.reachedAt === 0 ? "" : String(state.reachedAt),
  };
}

/** What the leader does about a change that is under way. */
export type Progress = "nothing" | "note" | "advance";

/**
 * Whether the next phase may begin.
 *
 * @param reports of all units of the application that are there, the own one too
 * @param now and `pauseMs` in milliseconds: clients get that time to follow a phase, because nothing tells when they have
 */
export function progressOf(state: TlsState, reports: readonly UnitReport[], now: number, pauseMs: number): Progress {
  if (state.phase === "") return "nothing";
  if (!reports.every(({ tlsVersion }) => tlsVersion >= state.version)) return "nothing";
  if (state.reachedAt === 0 && pauseMs > 0) return "note";
  return now >= state.reachedAt + pauseMs ? "advance" : "nothing";
}

/**
 * Whether it is this unit's turn to start its member again with other authorities or settings: units go by number.
 *
 * @param version of the certificates
 * @param settings fingerprint of what the members shall have
 * @param others reports of the other units that are there
 */
export function isOwnTurn(
  unitNumber: number,
  version: number,
  settings: string,
  others: readonly (UnitReport & { number: number })[],
): boolean {
  return others.every((other) =>
    other.number > unitNumber || !other.started || (other.tlsVersion >= version && other.settings === settings)
  );
}
