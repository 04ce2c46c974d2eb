/**
 * What the charm that runs MySQL does in every hook: look, decide, act, report. A hook in which nothing has changed since
 * all was well opens no connection.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import { blocked, deferred, done, type Outcome } from "../../../hooks/outcome.ts";
import type { Relation } from "../../../hooks/relation.ts";
import { ClientError } from "../../clients/errors.ts";
import { chosenDirectory, directoryComplaint } from "../../data_directory.ts";
import { isOver } from "../../workload.ts";
import { mysqlInnodbCluster } from "../peers.ts";
import { decideStart, type Facts } from "./decide.ts";
import { readMemory, remember } from "./memory.ts";
import { ensureRunning, fingerprint, isCurrent, settingsOf } from "./mysqld.ts";
import { establish, readCredentials } from "./passwords.ts";
import { clusterName, expectedUnits, findPlace, type Place } from "./place.ts";
import { serverService } from "./program.ts";
import { type ClusterRecord, ownKeys, type PeerReport, readRecord, readReports } from "./record.ts";
import { run } from "./run.ts";
import { readHold } from "./set_keys.ts";
import { TEXT } from "./texts.ts";
import { blocking, type Result, waiting, type Ward } from "./ward.ts";

/** Most units that departed of which addresses are kept. */
const MAX_DEPARTED = 50;

/** Brings the unit's server a step nearer to how it should be. */
export async function reconcile(ctx: Context): Promise<Outcome> {
  const [peers] = await ctx.relations();
  if (!peers || isOver(ctx, readMemory(ctx).leaving, () => remember(ctx, { leaving: true }))) return done;
  try {
    const chosen = await chosenDirectory(ctx, readMemory(ctx).dataDirectory);
    const place = await findPlace(ctx, chosen);
    const result = place ? await attempt(ctx, peers, place) : waiting(TEXT.noAddress);
    if (result) ctx.status.set(result.level, result.text);
    const complaint = await directoryComplaint(ctx, chosen);
    if (complaint !== undefined) return blocked(complaint);
    return !result || result.settled ? done : deferred(result.text);
  } catch (error) {
    if (error instanceof ValueError) return blocked(error.message);
    throw error;
  }
}

/** The reports of the other units; those that went are noted. */
export async function gatherReports(ctx: Context, peers: Relation): Promise<PeerReport[]> {
  const others = await readReports(peers, await mysqlInnodbCluster(ctx).allJoinedUnits());
  const { addresses = {}, departed = [] } = readMemory(ctx);
  const there = new Set(others.map(({ unit }) => unit));
  const now = Object.fromEntries(others.flatMap(({ unit, address }) => address ? [[unit, address] as const] : []));
  const isTaken = ({ host, port }: { host: string; port: number }) =>
    Object.values(now).some((each) => each.host === host && each.port === port);
  const gone = Object.entries(addresses).filter(([unit]) => !there.has(unit)).map(([, address]) => address);
  remember(ctx, {
    addresses: now,
    departed: [...departed, ...gone].filter((address) => !isTaken(address)).slice(-MAX_DEPARTED),
  });
  return others;
}

/** A server that cannot be asked now is asked again in the next hook. */
async function attempt(ctx: Context, peers: Relation, place: Place): Promise<Result | undefined> {
  try {
    return await attend(ctx, peers, place);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(error.message);
    return waiting(`Waiting to retry: ${error.message}`);
  }
}

/** @returns undefined when there was nothing to do */
async function attend(ctx: Context, peers: Relation, place: Place): Promise<Result | undefined> {
  const others = await gatherReports(ctx, peers);
  const record = readRecord(await peers.app());
  const start = decideStart(await gather(ctx, record, others));
  if (start.kind === "claim") return await claim(ctx, peers, record);
  if (start.kind === "wait" || !record) return waiting(TEXT.noRecord);
  const service = await serverService(ctx, place);
  if (!service) return blocking(TEXT.noProgram);

  const seen = fingerprint(JSON.stringify([await surroundings(ctx, peers), record, place, others]));
  const { running } = await service.manager.state(service.spec);
  const isLook = ["update-status", "upgrade-charm", "start"].includes(ctx.event.name);
  if (running && !isLook && readMemory(ctx).settled === seen) return undefined;
  const credentials = await readCredentials(ctx, peers, record);
  if (!credentials) return waiting(TEXT.noCredentials);
  remember(ctx, { dataDirectory: place.base, settled: "" });
  const ward: Ward = { ctx, peers, place, record, credentials, others, service };
  const state = await ensureRunning(ctx, place, service, credentials);
  if (state === "starting") return waiting(TEXT.starting);
  if (state === "down") return blocking(TEXT.doesNotRun);
  if (await readHold(ctx, peers) === "held") return waiting(TEXT.held);
  const result = await run(ward);
  await report(ward);
  if (result.settled) remember(ctx, { settled: seen });
  return result;
}

/** Tells the others how to connect, once the cluster's users are there, and with which options the server runs. */
async function report({ ctx, peers, place, record, credentials }: Ward): Promise<void> {
  const { authority, cluster, version } = credentials;
  const { prepared, wasMember } = readMemory(ctx);
  if (!prepared) return;
  const side = mysqlInnodbCluster(ctx, ctx.endpoint?.name);
  if (prepared === version) await side.setClusterConnectionInfo(place.host, cluster.user, cluster.password);
  await side.setUnitConfigureReady();
  if (record.removed.includes(ctx.unit)) peers.local.set({ "unit-clustered": "" });
  else if (wasMember) await side.setUnitClustered();
  if (await isCurrent(ctx, place, authority.certificate)) peers.local.set(ownKeys(place.port, settingsOf(place)));
  ctx.openPort(`${place.port}/tcp`);
}

/** The leader names itself the first unit. Only when that is committed may a server start: see {@linkcode ClusterRecord}. */
async function claim(ctx: Context, peers: Relation, old: ClusterRecord | undefined): Promise<Result> {
  const name = await clusterName(ctx);
  if (old) peers.localApp.set({ "first-unit": ctx.unit });
  else await establish(ctx, peers, { groupName: crypto.randomUUID(), clusterName: name, first: ctx.unit });
  return waiting(TEXT.claimed);
}

async function gather(
  ctx: Context,
  record: ClusterRecord | undefined,
  others: readonly PeerReport[],
): Promise<Facts> {
  const { wasMember = false } = readMemory(ctx);
  const othersAreIn = others.some(({ clustered }) => clustered) || (record?.clustered.length ?? 0) > 0;
  const first = record?.first;
  const isLeader = await ctx.isLeader();
  const isNear = first === ctx.unit || others.some(({ unit }) => unit === first);
  const facts = { unit: ctx.unit, isLeader, first, wasMember, othersAreIn };
  if (first === undefined || isNear || wasMember || othersAreIn || !isLeader) return { ...facts, firstIsThere: true };
  const { units } = await ctx.goalState();
  const names = Object.keys(typeof units === "object" && units !== null ? units : {});
  return { ...facts, firstIsThere: names.includes(first) };
}

/** What else the hook's work depends on. */
async function surroundings(ctx: Context, peers: Relation): Promise<unknown> {
  return [await ctx.isLeader(), await expectedUnits(ctx), readMemory(ctx).departed ?? [], await readHold(ctx, peers)];
}
