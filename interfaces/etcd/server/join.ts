/**
 * How a member comes into being: the first one makes the cluster, each other one joins as a learner, which does not vote
 * and so cannot cost the cluster its quorum, and is promoted when it is in sync.
 *
 * @module
 */
import { ClientError, RefusedError, UnhealthyClusterError } from "../../clients/errors.ts";
import type { Etcd } from "../../clients/etcd/client.ts";
import type { AddedMember, Member } from "../../clients/etcd/members.ts";
import { look, openChange, pause, servesWithin, type View } from "./cluster.ts";
import { initialCluster } from "./config_file.ts";
import { unwell } from "./decide.ts";
import { ensureDirectories, setDataAside, wipeData, writeMarker } from "./member_service.ts";
import { forgetMember, remember } from "./memory.ts";
import { memberName } from "./record.ts";
import { TEXT } from "./texts.ts";
import { othersUrls, ownUrl, type Result, startMember, timeFor, waiting, type Ward } from "./ward.ts";

/** etcd refuses a change of members until all have been connected for five seconds. */
const REGISTER_MS = 7000;
const PROMOTE_MS = 3000;
const PROMOTED_MS = 2000;
const PAUSE_MS = 250;

/** Makes the cluster with the own member as the only one. */
export async function bootstrap(ward: Ward, setAside: boolean): Promise<void> {
  const { ctx, place, record } = ward;
  ctx.log.info("starting the first member of a new cluster");
  await clear(ward, setAside);
  await startMember(ward, { state: "new", token: record.token, cluster: `${place.name}=${place.peerUrl}` });
}

/**
 * Registers the own member with the others and starts it; what it was before is removed.
 *
 * @returns why it could not be done now; undefined when the member has started
 */
export async function join(ward: Ward, setAside: boolean): Promise<Result | undefined> {
  const { ctx, place, record, tls, service: { manager, spec } } = ward;
  const twin = ward.others.find(({ peerUrl }) => peerUrl === place.peerUrl);
  if (twin) return { level: "blocked", text: TEXT.addressTaken(place.peerUrl, twin.unit), settled: false };
  await manager.stop(spec);
  const view = await look(othersUrls(ward), tls);
  if (!view?.isSure) return waiting(TEXT.retryBecause(TEXT.noMemberServes));
  try {
    using etcd = openChange(view.serving, tls);
    const members = await register(ward, view, etcd);
    if ("level" in members) return members;
    await clear(ward, setAside);
    const cluster = initialCluster(members.all, place);
    remember(ctx, { memberId: members.own.id });
    await startMember(ward, { state: "existing", token: record.token, cluster });
    if (members.own.isLearner && !await promote(ward, members.own.id, view)) return waiting(TEXT.catchingUp);
    return undefined;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(`registering the member: ${error.message}`);
    return waiting(TEXT.retry);
  }
}

/** Lets a learner vote as soon as it is in sync. @returns false when that takes too long for a hook */
export async function promote({ ctx, tls, ...ward }: Ward, id: string, view: View): Promise<boolean> {
  const others = view.serving.filter((url) => url !== ownUrl(ward));
  if (others.length === 0) return false;
  using etcd = openChange(others, tls);
  for (const end = Date.now() + timeFor(ward, PROMOTE_MS); Date.now() < end; await pause()) {
    try {
      await etcd.members.promote(id);
      ctx.log.info("the member is in sync and votes now");
      return await servesWithin(ownUrl(ward), tls, timeFor(ward, PROMOTED_MS));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // It may have been promoted all the same.
      const member = (await etcd.members.list()).find((each) => each.id === id);
      if (!member?.isLearner) return member !== undefined;
    }
  }
  return false;
}

interface Registered {
  readonly own: Member;
  readonly all: readonly Member[];
}

/** The entry of a member that never started is used again: it waits for just this one. */
async function register(
  { ctx, place, others: units, until }: Ward,
  view: View,
  etcd: Etcd,
): Promise<Registered | Result> {
  const taken = new Set(units.map(({ unit }) => memberName(unit)));
  const mine = view.members.filter(({ name, peerUrls }) =>
    name === place.name || (peerUrls.includes(place.peerUrl) && !taken.has(name))
  );
  const isFresh = ({ name, peerUrls }: Member) => name === "" && peerUrls.join() === place.peerUrl;
  for (const old of mine.filter((member) => !isFresh(member))) {
    ctx.log.info(`removing the member's old entry ${old.name || place.peerUrl}`);
    await etcd.members.remove(old.id);
  }
  const entry = mine.find(isFresh);
  if (entry) return { own: entry, all: await etcd.members.list() };
  const others = { ...view, members: view.members.filter((member) => !mine.includes(member)) };
  const silent = unwell(others);
  if (silent.length > 0) return waiting(TEXT.retryBecause(TEXT.notAllHealthy(silent)));
  const added = await addPatiently(etcd, place.peerUrl, timeFor({ until }, REGISTER_MS));
  ctx.log.info(`registered as a learner of ${added.members.length} members`);
  return { own: added.member, all: added.members };
}

async function addPatiently(etcd: Etcd, peerUrl: string, patienceMs: number): Promise<AddedMember> {
  for (const end = Date.now() + patienceMs;; await pause(PAUSE_MS)) {
    try {
      return await etcd.members.add([peerUrl], { isLearner: true });
    } catch (error) {
      const mayPass = error instanceof UnhealthyClusterError || error instanceof RefusedError;
      if (!mayPass || Date.now() >= end) throw error;
    }
  }
}

/** Makes room for new data and notes to which cluster it will belong. */
async function clear(
  { ctx, place, record, owner, service: { manager, spec } }: Ward,
  setAside: boolean,
): Promise<void> {
  await manager.stop(spec);
  if (setAside) ctx.log.warning(`data of another cluster is kept in ${await setDataAside(place)}`);
  await wipeData(place);
  forgetMember(ctx);
  await ensureDirectories(place, owner);
  await writeMarker(place, record);
}
