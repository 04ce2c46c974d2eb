/**
 * What the charm that runs etcd does in every hook: look, decide, act, report. A hook in which nothing has changed since
 * all was well asks no member.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import { blocked, deferred, done, type Outcome } from "../../../hooks/outcome.ts";
import type { Relation } from "../../../hooks/relation.ts";
import { ClientError } from "../../clients/errors.ts";
import { readRoster } from "../../roster.ts";
import { chosenDirectory, directoryComplaint } from "../../data_directory.ts";
import { isOver } from "../../workload.ts";
import { establishAuthority, reportsOf, tendAuthority, tlsState } from "./authority.ts";
import { decide, type Facts, type Step } from "./decide.ts";
import { bootstrap, join } from "./join.ts";
import { ensureLeaves, leavesFit, readClient } from "./leaves.ts";
import { ensureDirectories, fileOwner, hasData, memberService, readMarker, writeMarker } from "./member_service.ts";
import { forgetMember, readMemory, remember } from "./memory.ts";
import { clientEndpoints, findPlace, type Place } from "./place.ts";
import { type ClusterRecord, KNOWS_KEY, readRecord, readReport, type UnitReport, writeRecord } from "./record.ts";
import { run } from "./run.ts";
import { TEXT } from "./texts.ts";
import { progressOf, type TlsState } from "./tls_state.ts";
import { fingerprint, type Result, waiting, wanted, type Ward } from "./ward.ts";

/** Bytes of randomness in a cluster's token. */
const TOKEN_BYTES = 9;
/** Milliseconds for all that a hook waits for. */
const HOOK_MS = 9000;

/** Brings the unit's member a step nearer to how it should be. */
export async function reconcile(ctx: Context): Promise<Outcome> {
  const [peers] = await ctx.relations();
  if (!peers || isOver(ctx, readMemory(ctx).leaving, () => remember(ctx, { leaving: true }))) return done;
  try {
    const chosen = await chosenDirectory(ctx, readMemory(ctx).dataDirectory);
    const place = await findPlace(ctx, chosen);
    const result = place ? await attend(ctx, peers, place) : waiting(TEXT.noAddress);
    if (result) ctx.status.set(result.level, result.text);
    const complaint = await directoryComplaint(ctx, chosen);
    if (complaint !== undefined) return blocked(complaint);
    return !result || result.settled ? done : deferred(result.text);
  } catch (error) {
    if (error instanceof ValueError) return blocked(error.message);
    if (!(error instanceof ClientError)) throw error;
    // Told by an etcd that has just gone, or by a machine on which it cannot run: the next hook looks again.
    ctx.log.warning(error.message);
    ctx.status.set("blocked", TEXT.errored(error.message));
    // Otherwise the next hook would find nothing new, and leave it at that.
    remember(ctx, { settled: "" });
    return deferred(error.message);
  }
}

/** @returns undefined when there was nothing to do */
async function attend(ctx: Context, peers: Relation, place: Place): Promise<Result | undefined> {
  // Told before anything is registered: others can then clear away what a unit that goes too soon leaves behind.
  if (!readMemory(ctx).started) peers.local.set({ "peer-url": place.peerUrl });
  const others = (await peers.units()).map(({ name, data }) => readReport(name, data));
  const facts = await gather(ctx, peers, place, others);
  let step = decide(facts);
  let { record } = facts;
  if (record && others.some(({ started }) => started)) peers.local.set({ [KNOWS_KEY]: record.token });
  if (step.kind === "claim") return await claim(ctx, peers);
  if (step.kind === "announce" && record) {
    record = { ...record, generation: step.generation };
    peers.localApp.set(writeRecord(record));
    step = decide({ ...facts, record });
  }
  // Until the leader knows of the data that it has here, others have to learn of it from the unit's report.
  const generation = step.kind === "run" ? Math.max(record?.generation ?? 0, facts.own.belongs?.generation ?? 0) : 0;
  if (record && generation > record.generation) record = { ...record, generation };
  const state = await tlsState(peers);
  if (step.kind === "block") return { level: "blocked", text: step.why, settled: false };
  if (step.kind === "wait" || !record) return waiting(step.kind === "wait" ? step.why : TEXT.noRecord);
  if (!state) return waiting(TEXT.staleSecret);
  const service = await memberService(place);
  if (!service) return { level: "blocked", text: TEXT.noProgram, settled: false };

  const until = Date.now() + HOOK_MS;
  const seen = fingerprint(JSON.stringify([record, state, place, others, await surroundings(ctx)]));
  const { running } = await service.manager.state(service.spec);
  if (running && step.kind === "run" && await isSettled(ctx, place, state, others, seen)) return undefined;
  const isLook = ctx.event.name === "update-status";
  const owner = await fileOwner();
  remember(ctx, { dataDirectory: place.base });
  await ensureDirectories(place, owner);
  if (isLook) await service.manager.trimLog(service.spec);
  if (step.kind === "run" && !facts.own.belongs) await writeMarker(place, record);
  if (!await ensureLeaves(ctx, peers, readMemory(ctx), place, state, owner)) return waiting(TEXT.staleSecret);
  const tls = await readClient(place);
  if (!tls) return waiting(TEXT.staleSecret);
  const result = await act({ ctx, peers, place, record, state, others, service, owner, tls, until }, step);
  if (await ctx.isLeader()) await tendAuthority(ctx, peers, state, await reportsOf(ctx, peers), isLook);
  const isSteady = result.settled && (await tlsState(peers))?.version === state.version;
  remember(ctx, { settled: isSteady ? seen : "" });
  return result;
}

async function act(ward: Ward, step: Step): Promise<Result> {
  if (step.kind === "bootstrap") await bootstrap(ward, step.setAside);
  if (step.kind === "join") {
    const obstacle = await join(ward, step.setAside);
    if (obstacle) return obstacle;
  }
  return await run(ward, step.kind === "run");
}

/** The leader names itself the first unit. Only when that is committed may a member start: see {@linkcode ClusterRecord}. */
async function claim(ctx: Context, peers: Relation): Promise<Result> {
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)).toHex();
  const record: ClusterRecord = { token, first: ctx.unit, generation: 0 };
  peers.localApp.set(writeRecord(record));
  if (!await tlsState(peers)) await establishAuthority(ctx, peers);
  forgetMember(ctx);
  return waiting(TEXT.claimed);
}

async function gather(ctx: Context, peers: Relation, place: Place, others: readonly UnitReport[]): Promise<Facts> {
  const record = readRecord(await peers.app());
  const [isLeader, own] = [await ctx.isLeader(), await ownFacts(ctx, peers, place)];
  const isNear = !record || record.first === ctx.unit || others.some(({ unit }) => unit === record.first);
  const rest = { unit: ctx.unit, isLeader, record, others, own };
  if (isNear || own.hasData) return { ...rest, firstIsThere: true, seesAll: true };
  const { units } = await ctx.goalState();
  const names = Object.keys(typeof units === "object" && units !== null ? units : {});
  const seen = new Set([ctx.unit, ...others.map(({ unit }) => unit)]);
  return { ...rest, firstIsThere: names.includes(record.first), seesAll: names.every((name) => seen.has(name)) };
}

async function ownFacts(ctx: Context, peers: Relation, place: Place): Promise<Facts["own"]> {
  const [data, belongs] = [await hasData(place), await readMarker(place)];
  const { knows } = readReport(ctx.unit, await peers.local.get());
  return { started: readMemory(ctx).started === true, hasData: data, belongs, knows };
}

/** What else the hook's work depends on: who is related, who has departed. */
async function surroundings(ctx: Context): Promise<unknown> {
  const relations = await Promise.all(clientEndpoints(ctx).map(({ name }) => ctx.relations(name)));
  const departed = ctx.endpoint ? readRoster(ctx, ctx.endpoint).departed : [];
  return [relations.flat().map(({ id }) => id), departed];
}

/** Whether all was well when things were just as they are now, and no date has come. */
async function isSettled(
  ctx: Context,
  place: Place,
  state: TlsState,
  others: readonly UnitReport[],
  seen: string,
): Promise<boolean> {
  const memory = readMemory(ctx);
  const isLook = ctx.event.name === "update-status" || ctx.event.name === "upgrade-charm";
  if (isLook || memory.settled !== seen || !leavesFit(memory, place, state, ctx.now())) return false;
  if (memory.loaded?.config !== wanted({ place, state }).config) return false;
  if (!await ctx.isLeader()) return true;
  const pauseMs = 1000 * ((await ctx.config()).number("rotation-pause") ?? 0);
  const own: UnitReport = { unit: ctx.unit, started: true, clientUrls: [], tlsVersion: state.version, generation: 0 };
  return progressOf(state, [own, ...others], ctx.now(), pauseMs) === "nothing";
}
