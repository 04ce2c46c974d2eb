/**
 * What the figures are held against: ratios within one run, memory and size, but no times.
 *
 * @module
 */
import { type PeerName, PEERS } from "./peers.ts";
import { findRow, FLOOR, medianOf, OURS, type Row, slowly } from "./rows.ts";

/** A figure with the bound that it must keep. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly bound: "at most" | "at least";
  readonly limit: number;
  readonly unit: "×" | "MiB" | "ms";
}

const MIB = 1024 * 1024;

/** How many times faster than a peer every hook is, whatever a hook command costs. */
const ALWAYS_FASTER: Partial<Record<PeerName, number>> = { ops: 3, "charms.reactive": 6 };

const HOOKS = ["update-status", "changed-2", "changed-10", "changed-100"] as const;

/**
 * Lists the targets. Those about a peer, or about slow hook commands, count where these were measured.
 *
 * @param rows what {@linkcode casesOf} of ./cases.ts lists
 * @param executable size in bytes
 * @throws {RangeError} something that can always be measured is missing
 */
export function targetsOf(rows: readonly Row[], executable: number): Target[] {
  const hello = medianOf(rows, FLOOR, "hello world");
  const ofFloor = (group: string, program: string, limit: number): Target => ({
    what: `${group}, ${program} / hello world`,
    value: medianOf(rows, group, program) / hello,
    bound: "at most",
    limit,
    unit: "×",
  });
  const fifty = medianOf(rows, "magpie", "ICMP of 50 peers") / medianOf(rows, "magpie", "ICMP of 1 peer");
  const ours = rows.filter(({ program }) => program.startsWith(OURS));
  return [
    ofFloor("changed-10", OURS, 1.35),
    ofFloor("changed-100", OURS, 1.8),
    ofFloor("update-status", OURS, 1.15),
    ofFloor("update-status", "whole product", 1.15),
    ofFloor("magpie", "nothing to check", 1.35),
    {
      what: "etcd client, changed-3 − changed-2",
      value: medianOf(rows, "etcd client", "changed-3") - medianOf(rows, "changed-2", OURS),
      bound: "at most",
      limit: 5,
      unit: "ms",
    },
    { what: "magpie, 50 peers / 1 peer", value: fifty, bound: "at most", limit: 1.5, unit: "×" },
    ...[`${OURS} by processes`, "goops"].flatMap((program) => [
      ...fasterThan(rows, "changed-10", slowly(program), 5),
      ...fasterThan(rows, "changed-100", slowly(program), 25),
    ]),
    ...PEERS.flatMap((peer) => HOOKS.flatMap((hook) => alwaysFaster(rows, hook, peer))),
    {
      what: "peak memory of a hook of ours",
      value: Math.max(...ours.map(({ memory }) => memory ?? 0)) / MIB,
      bound: "at most",
      limit: 70,
      unit: "MiB",
    },
    { what: "executable", value: executable / MIB, bound: "at most", limit: 100, unit: "MiB" },
  ];
}

function alwaysFaster(rows: readonly Row[], hook: string, peer: PeerName): Target[] {
  const limit = ALWAYS_FASTER[peer];
  if (limit === undefined) return [];
  return [peer, slowly(peer)].flatMap((program) => fasterThan(rows, hook, program, limit));
}

/** How many times our hook is faster than another program's, where that was measured. */
function fasterThan(rows: readonly Row[], group: string, program: string, limit: number): Target[] {
  const other = findRow(rows, group, program);
  if (!other) return [];
  const value = other.ms.median / medianOf(rows, group, OURS);
  return [{ what: `${group}, ${program} / ${OURS}`, value, bound: "at least", limit, unit: "×" }];
}

/** Whether a figure keeps its bound. */
export function isMet({ value, bound, limit }: Target): boolean {
  return bound === "at most" ? value <= limit : value >= limit;
}
