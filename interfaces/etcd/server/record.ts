/**
 * What units of the cluster tell each other: the record of the cluster in the application's peer databag, written by
 * the leader, and each unit's report in its own.
 *
 * @module
 */
import type { BagData } from "../../../hooks/relation.ts";
import { isYes, text } from "../../databag.ts";

/** Which cluster there is. It is committed before any member starts, so there is never a second one. */
export interface ClusterRecord {
  /** Tells data of this cluster from data of any other. */
  readonly token: string;
  /** The only unit that may make the cluster. */
  readonly first: string;
  /** Raised by a restore: data of a lower generation is obsolete. */
  readonly generation: number;
}

/** What one unit says about its member. */
export interface UnitReport {
  readonly unit: string;
  /** The member has been healthy once. */
  readonly started: boolean;
  readonly memberId?: string | undefined;
  readonly clientUrls: readonly string[];
  readonly peerUrl?: string | undefined;
  /** Version of the certificates that the unit uses and has published. */
  readonly tlsVersion: number;
  /** Of its data. */
  readonly generation: number;
  /** Fingerprint of the settings that its member runs with; those are the same for all members. */
  readonly settings?: string | undefined;
  /** Token of the cluster that the unit has known to serve: who makes that anew while the unit is there loses data. */
  readonly knows?: string | undefined;
}

/** Key of {@linkcode UnitReport.knows} in the databag. */
export const KNOWS_KEY = "cluster-known";

const TOKEN = /^[A-Za-z0-9-]{1,64}$/;
const UNIT = /^[a-z][a-z0-9-]*\/\d{1,9}$/;
const MEMBER_ID = /^\d{1,20}$/;
const URL_TEXT = /^https:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+):\d{1,5}$/i;
const MAX_URLS = 8;

/** The record; undefined before the leader has written it. */
export function readRecord(bag: BagData): ClusterRecord | undefined {
  const [token, first] = [text(bag, "cluster-token"), text(bag, "first-unit")];
  if (token === undefined || first === undefined || !TOKEN.test(token) || !UNIT.test(first)) return undefined;
  return { token, first, generation: whole(text(bag, "generation")) };
}

/** The record for the databag. */
export function writeRecord({ token, first, generation }: ClusterRecord): BagData {
  return { "cluster-token": token, "first-unit": first, generation: generation === 0 ? "" : String(generation) };
}

/** A unit's report. */
export function readReport(unit: string, bag: BagData): UnitReport {
  const [id, peerUrl] = [text(bag, "member-id"), text(bag, "peer-url")];
  const urls = (text(bag, "client-url") ?? "").split(",").filter((url) => URL_TEXT.test(url));
  return {
    unit,
    started: isYes(bag, "started"),
    memberId: id !== undefined && MEMBER_ID.test(id) ? id : undefined,
    clientUrls: urls.slice(0, MAX_URLS),
    peerUrl: peerUrl !== undefined && URL_TEXT.test(peerUrl) ? peerUrl : undefined,
    tlsVersion: whole(text(bag, "tls-version")),
    generation: whole(text(bag, "generation")),
    settings: text(bag, "settings"),
    knows: text(bag, KNOWS_KEY),
  };
}

/** A report for the databag. */
export function writeReport(report: Omit<UnitReport, "unit">): BagData {
  return {
    started: report.started ? "true" : "",
    "member-id": report.memberId ?? "",
    "client-url": report.clientUrls.join(","),
    "peer-url": report.peerUrl ?? "",
    "tls-version": String(report.tlsVersion),
    generation: report.generation === 0 ? "" : String(report.generation),
    settings: report.settings ?? "",
    [KNOWS_KEY]: report.knows ?? "",
  };
}

/** A whole number from a databag; 0 for anything else. */
export function whole(value: string | undefined): number {
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : 0;
}

/** Name of a unit's member. */
export function memberName(unit: string): string {
  return unit.replace("/", "");
}
