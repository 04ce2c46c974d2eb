/**
 * All members have got other addresses at once, as when a whole site is renumbered. None finds another, and without a
 * quorum nobody can be told. The data is whole, though: the leader names the unit whose log ends last, that one makes a
 * cluster of its own with its data, and the others join it.
 *
 * @module
 */
import { agreeOnAll, logEnd } from "../../clients/etcd/wal.ts";
import { look } from "./cluster.ts";
import { goOnWith } from "./decide.ts";
import { logDirectory, writeMarker } from "./member_service.ts";
import { readMemory } from "./memory.ts";
import { type ClusterRecord, readReport, type Stranded, writeRecord, writeStranded } from "./record.ts";
import { TEXT } from "./texts.ts";
import { othersUrls, ownUrl, type Result, startMember, waiting, type Ward } from "./ward.ts";

/**
 * Reports that the own member, which does not serve, is stranded. The leader decides when all have reported.
 *
 * @returns the record of the new generation, once there is one
 */
export async function reportStranded(ward: Ward): Promise<ClusterRecord | undefined> {
  const { ctx, peers, place, record, others } = ward;
  const stranded = await strandedHere(ward);
  peers.local.set({ stranded: writeStranded(stranded), ...(stranded && { "peer-url": place.peerUrl }) });
  if (!stranded || !await ctx.isLeader()) return undefined;
  const own = { ...readReport(ctx.unit, await peers.local.get()), stranded };
  const from = goOnWith(readMemory(ctx).members ?? [], [own, ...others], record.generation);
  if (from === undefined) return undefined;
  ctx.log.warning(`all members have moved at once: the cluster goes on with the data of ${from}`);
  const next = { ...record, generation: record.generation + 1, from };
  peers.localApp.set(writeRecord(next));
  return next;
}

/**
 * Makes a cluster of the own data, with this member alone. Others join only when this unit reports the generation that
 * begins with it: until then it may be repeated.
 *
 * @returns why it could not be done now
 */
export async function startAlone(ward: Ward): Promise<Result | undefined> {
  const { ctx, place, record, service: { manager, spec } } = ward;
  ctx.log.warning("this member goes on alone; the others join it again");
  await manager.stop(spec);
  await agreeOnAll(logDirectory(place));
  if (!await startMember(ward, undefined, true)) return waiting(TEXT.retryBecause(TEXT.noMemberServes));
  // Another start must not drop those that have joined.
  await startMember(ward);
  await writeMarker(place, record);
  return undefined;
}

/** As {@linkcode startAlone}, on the word of the leader: meanwhile the cluster may have come back by itself. */
export async function startAloneUnlessServed(ward: Ward): Promise<Result | undefined> {
  const view = await look([ownUrl(ward), ...othersUrls(ward)], ward.tls);
  if (!view?.isSure) return await startAlone(ward);
  await writeMarker(ward.place, ward.record);
  return undefined;
}

/** A single member that has moved tells itself; a learner has no vote, and joins again. */
async function strandedHere({ ctx, place, record }: Ward): Promise<Stranded | undefined> {
  const { knownAs, members = [] } = readMemory(ctx);
  if (knownAs === undefined || knownAs === place.peerUrl || members.length < 2) return undefined;
  const end = await logEnd(logDirectory(place));
  return end && { generation: record.generation, term: `${end.term}`, index: `${end.index}` };
}
