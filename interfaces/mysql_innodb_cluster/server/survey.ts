/**
 * What the servers say: the own one, and the others' when the own one is in no group.
 *
 * @module
 */
import { ClientError } from "../../clients/errors.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { type Group, readGroup } from "../../clients/mysql/members.ts";
import type { Found, Peer, Sight } from "./decide.ts";
import { readMemory } from "./memory.ts";
import { expectedUnits } from "./place.ts";
import type { PeerReport } from "./record.ts";
import { openPeer, type Ward } from "./ward.ts";

/** What was found at one unit. */
export interface Finding {
  readonly unit: string;
  readonly found: Found;
  /** The group as its server sees it. */
  readonly group?: Group;
}

/**
 * Looks around. Others are asked only when the own server is in no group and there is one as far as anybody has said.
 *
 * @param own connection to the own server
 */
export async function survey(ward: Ward, own: Mysql): Promise<Sight> {
  const { ctx, place, record, others } = ward;
  const { departed = [], ...memory } = readMemory(ctx);
  const wasMember = memory.wasMember === true || record.clustered.includes(ctx.unit);
  const group = await readGroup(own);
  const isIn = group.self?.state === "ONLINE";
  const removed = ({ unit }: PeerReport) => record.removed.includes(unit);
  const clustered = (report: PeerReport) =>
    !removed(report) && (report.clustered || record.clustered.includes(report.unit));
  const ask = !isIn && (wasMember || others.some(clustered));
  const findings = ask ? await askAll(ward, others.filter(clustered)) : [];
  const view = isIn ? group : bestView(findings);
  const peers = others.map((report): Peer => ({
    unit: report.unit,
    address: report.address,
    configured: report.configured,
    clustered: clustered(report),
    removed: removed(report),
    found: findings.find(({ unit }) => unit === report.unit)?.found ?? "unasked",
  }));
  return {
    unit: ctx.unit,
    address: { host: place.host, port: place.port },
    isLeader: await ctx.isLeader(),
    first: record.first,
    state: group.self?.state,
    wasMember,
    removed: record.removed.includes(ctx.unit),
    peers,
    view,
    expected: await expectedUnits(ctx),
    // A unit that is removed takes its server out itself: those that could not are left by the time of update-status.
    departed: ctx.event.name === "update-status" ? departed : [],
  };
}

/** Asks units' servers whether they are members, all at once. */
export async function askAll(
  { ctx, credentials }: Pick<Ward, "ctx" | "credentials">,
  units: readonly PeerReport[],
): Promise<Finding[]> {
  return await Promise.all(units.map(async (report): Promise<Finding> => {
    const { unit } = report;
    try {
      await using db = await openPeer(report, credentials);
      const group = await readGroup(db);
      return group.self?.state === "ONLINE" ? { unit, found: "member", group } : { unit, found: "outside" };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      ctx.log.debug(`${unit}: ${error.message}`);
      return { unit, found: "silent" };
    }
  }));
}

/** The view of a member with a majority, else of any. */
export function bestView(findings: readonly Finding[]): Group | undefined {
  const groups = findings.flatMap(({ group }) => group ? [group] : []);
  return groups.find(({ quorum }) => quorum) ?? groups[0];
}
