/**
 * Keeps a member running that has its data, and takes its part in the cluster's upkeep.
 *
 * @module
 */
import { unitNumber } from "../../../hooks/session.ts";
import { ClientError } from "../../clients/errors.ts";
import { readBags, readRoster } from "../../roster.ts";
import { etcdPeers } from "../peers.ts";
import { isServing, look, openChange, openLook, type View } from "./cluster.ts";
import { condition, leftovers, ownId, type Standing, standing } from "./decide.ts";
import { join, promote } from "./join.ts";
import { readMemory, remember } from "./memory.ts";
import { publish } from "./publish.ts";
import { readReport } from "./record.ts";
import { TEXT } from "./texts.ts";
import { isOwnTurn } from "./tls_state.ts";
import {
  isLoaded,
  othersUrls,
  ownUrl,
  type Result,
  settingsOf,
  startMember,
  waiting,
  wanted,
  type Ward,
} from "./ward.ts";

/** Lines of the member's log that show why it does not run. */
const LOG_LINES = 5;

/**
 * Looks after the own member: starts it, lets a learner vote, joins again when it was removed, follows changes of address
 * and certificates, removes the members of units that departed, publishes.
 *
 * @param mayJoin false when this hook has joined already
 */
export async function run(ward: Ward, mayJoin = true): Promise<Result> {
  const { ctx } = ward;
  await keepRunning(ward);
  let { view, own } = await observe(ward);
  if (own?.isRemoved) {
    if (!mayJoin) return waiting(TEXT.retry);
    ctx.log.warning("this member was removed from the cluster: it joins as a new one");
    return await join(ward, false) ?? await run(ward, false);
  }
  if (view && own?.member?.isLearner) {
    if (!await promote(ward, own.member.id, view)) return waiting(TEXT.catchingUp);
    ({ view, own } = await observe(ward));
  }
  if (!view || !own) return await unreachable(ward);
  if (own.serves && await takeTurn(ward, view, own)) ({ view = view, own = own } = await observe(ward));
  const { member } = own;
  if (!member || !own.serves) {
    const { text } = condition(view);
    return { level: "blocked", text, settled: false };
  }
  await announceAddress(ward, member.id, member.peerUrls);
  const removal = await removeLeftovers(ward, view);
  if (removal === "removed") ({ view = view } = await observe(ward));
  await publish(ward, view.members, member);
  const { healthy, text } = condition(view);
  if (healthy && !isLoaded(readMemory(ctx).loaded, wanted(ward))) return waiting(TEXT.turn);
  return { level: healthy ? "active" : "blocked", text, settled: healthy && removal !== "refused" };
}

interface Observation {
  readonly view: View | undefined;
  readonly own: Standing | undefined;
}

async function observe(ward: Ward): Promise<Observation> {
  const { ctx, place, tls } = ward;
  const { memberId: remembered, others = [] } = readMemory(ctx);
  const view = await look([...new Set([ownUrl(ward), ...othersUrls(ward), ...others])], tls);
  if (!view) return { view, own: undefined };
  const memberId = ownId(view.members, place.name, await askOwnId(ward), remembered);
  return { view, own: standing(view, { name: place.name, peerUrl: place.peerUrl, memberId }) };
}

async function askOwnId(ward: Ward): Promise<string | undefined> {
  try {
    using etcd = openLook([ownUrl(ward)], ward.tls);
    return (await etcd.maintenance.status(ownUrl(ward))).memberId;
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}

/** Starts the member when it does not run, or has to run with another address. */
async function keepRunning(ward: Ward): Promise<void> {
  const { ctx, tls, place, service: { manager, spec } } = ward;
  const { running } = await manager.state(spec);
  const { loaded, memberId } = readMemory(ctx);
  const { address } = wanted(ward);
  // An earlier revision did not remember the address: what runs is then taken to be where it should be.
  if (running && loaded && (loaded.address ?? address) === address) {
    if (loaded.address === undefined) remember(ctx, { loaded: { ...loaded, address } });
    return;
  }
  if (!running) ctx.log.info("starting etcd");
  else if (loaded && memberId !== undefined) {
    // The others should know where to find it before it moves; alone, or without them, it tells when it is there.
    const view = await look([...othersUrls(ward), ...readMemory(ctx).others ?? []], tls);
    if (view?.isSure) await tellAddress(ward, view.serving, memberId).catch(ignoreClientError);
    ctx.log.info(`restarting etcd: it moves to ${place.peerUrl}`);
  }
  await startMember(ward);
}

/** Has the cluster look for the member where it is. */
async function announceAddress(ward: Ward, id: string, peerUrls: readonly string[]): Promise<void> {
  if (peerUrls.join() !== ward.place.peerUrl) await tellAddress(ward, [ownUrl(ward)], id);
}

async function tellAddress({ place, tls }: Ward, endpoints: readonly string[], id: string): Promise<void> {
  using etcd = openChange(endpoints, tls);
  await etcd.members.update(id, [place.peerUrl]);
}

/** Other authorities or settings need a restart: members go one after the other, while all others are well. */
async function takeTurn(ward: Ward, view: View, { member }: Standing): Promise<boolean> {
  const { ctx, place, state, others } = ward;
  if (isLoaded(readMemory(ctx).loaded, wanted(ward))) return false;
  const numbered = others.map((report) => ({ ...report, number: unitNumber(report.unit) }));
  if (!isOwnTurn(unitNumber(ctx.unit), state.version, settingsOf(place), numbered)) return false;
  if (!view.members.every((each) => each.id === member?.id || isServing(view, each))) return false;
  ctx.log.info("restarting etcd with the new settings or certificate authorities");
  await startMember(ward);
  return true;
}

/** Removes members of units that departed and did not do it themselves. */
async function removeLeftovers(ward: Ward, view: View): Promise<"nothing" | "removed" | "refused"> {
  const { ctx, place, others, tls } = ward;
  if (!ctx.endpoint) return "nothing";
  const departed = await readBags(ctx, ctx.endpoint, readRoster(ctx, ctx.endpoint).departed);
  if (departed.length === 0) return "nothing";
  const reports = departed.map(([{ unit }, bag = {}]) => readReport(unit, bag));
  try {
    using etcd = openChange(view.serving, tls);
    for (const { id, name, peerUrls } of leftovers(await etcd.members.list(), reports, [place, ...others])) {
      ctx.log.info(`removing the member ${name || peerUrls.join()} of a unit that departed`);
      await etcd.members.remove(id);
    }
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(`removing members of units that departed: ${error.message}`);
    return "refused";
  }
  etcdPeers(ctx, ctx.endpoint.name).dismiss();
  return "removed";
}

/** Nobody answers. */
async function unreachable({ ctx, service: { manager, spec } }: Ward): Promise<Result> {
  const { running } = await manager.state(spec);
  if (!running) ctx.log.warning(`etcd ended: ${(await manager.logTail(spec, LOG_LINES)).trim()}`);
  const text = running ? TEXT.errored(TEXT.noMemberServes) : TEXT.doesNotRun;
  return { level: "blocked", text, settled: false };
}

function ignoreClientError(error: unknown): void {
  if (!(error instanceof ClientError)) throw error;
}
