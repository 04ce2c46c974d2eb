/**
 * How a unit leaves: it takes its member out of the cluster first, and only then stops it.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import { ClientError } from "../../clients/errors.ts";
import type { TlsOptions } from "../../clients/etcd/pem.ts";
import type { Member } from "../../clients/etcd/members.ts";
import { removeIfThere } from "../../clients/files.ts";
import { isServing, look, openChange, openLook, pause, type View } from "./cluster.ts";
import { mustPromote, neededFor, ownId, standing } from "./decide.ts";
import { readClient } from "./leaves.ts";
import { hasData, memberService } from "./member_service.ts";
import { type Memory, readMemory, remember } from "./memory.ts";
import { type Paths, pathsOf } from "./place.ts";
import { readReport } from "./record.ts";
import { TEXT } from "./texts.ts";

/** Another member may just have been removed, and etcd then refuses for five seconds. */
const REMOVE_MS = 7000;
const PAUSE_MS = 500;
/** Nobody answers. */
const NOWHERE = { member: undefined, isRemoved: false, serves: false };

/**
 * Takes the member out of the cluster and stops it. It goes also when the cluster does not answer, but not while it serves
 * a cluster that cannot spare it: unless all units go, the hook fails then, and Juju runs it again.
 *
 * @throws {ValueError} when the cluster would lose its quorum
 */
export async function leave(ctx: Context): Promise<void> {
  const memory = readMemory(ctx);
  remember(ctx, { leaving: true });
  if (memory.dataDirectory === undefined) return;
  const paths = pathsOf(ctx.unit, memory.dataDirectory);
  const [service, tls] = [await memberService(paths), await readClient(paths)];
  if (tls) await unregister(ctx, paths, memory, tls);
  if (service) await service.manager.stop(service.spec);
}

/** Deletes what is on the disk. The data of the last member is nowhere else: it stays. */
export async function cleanUp(ctx: Context): Promise<void> {
  const { dataDirectory, left } = readMemory(ctx);
  if (dataDirectory === undefined) return;
  const paths = pathsOf(ctx.unit, dataDirectory);
  const service = await memberService(paths);
  if (service) await service.manager.remove(service.spec);
  const gone = [
    paths.tlsDirectory,
    paths.configFile,
    `${paths.dataDirectory}.previous`,
    `${paths.dataDirectory}.restored`,
  ];
  // A restore that was cut short may have left the only data there is where it keeps the old one.
  if (left || await hasData(paths)) gone.push(`${paths.dataDirectory}.before-restore`);
  for (const path of left ? [...gone, paths.dataDirectory, paths.marker] : gone) await removeIfThere(path);
  if (!left) ctx.log.warning(`this was the last member that is known: its data stays in ${paths.dataDirectory}`);
}

async function unregister(ctx: Context, paths: Paths, memory: Memory, tls: Required<TlsOptions>): Promise<void> {
  const [peers] = await ctx.relations();
  const { clientUrls } = readReport(ctx.unit, await peers?.local.get() ?? {});
  const told = await tellsId(clientUrls, tls);
  for (const end = Date.now() + REMOVE_MS;; await pause(PAUSE_MS)) {
    // The others go first: they stay when this one is out.
    const view = await look([...memory.others ?? [], ...clientUrls], tls);
    const memberId = ownId(view?.members ?? [], paths.name, told, memory.memberId);
    if (memberId === undefined) return;
    const { member, isRemoved, serves } = view ? standing(view, { ...paths, peerUrl: "", memberId }) : NOWHERE;
    if (isRemoved) return void remember(ctx, { left: true });
    if (view && member && view.members.length === 1) return;
    const refusal = view && member ? await remove(ctx, view, member, tls) : "nobody answers";
    if (refusal === undefined) return;
    if (Date.now() < end) continue;
    if (serves && await ctx.plannedUnits() > 0) throw new ValueError(TEXT.cannotSpare(refusal));
    ctx.status.set("blocked", TEXT.unregistration);
    return;
  }
}

/** Takes the member out. @returns why the cluster cannot do without it yet; undefined when it is out */
async function remove(
  ctx: Context,
  view: View,
  member: Member,
  tls: Required<TlsOptions>,
): Promise<string | undefined> {
  try {
    const learner = mustPromote(view.members, member.id);
    if (learner) {
      await promote(member, learner, tls);
      return TEXT.votesNow;
    }
    const needed = isServing(view, member) ? neededFor(view, member.id) : [];
    if (needed.length > 0) return TEXT.unwell(needed);
    const heirs = view.members.filter((each) => each.id !== member.id && !each.isLearner && isServing(view, each));
    await handOver(member, heirs[0], tls);
    const others = heirs.flatMap(({ clientUrls }) => clientUrls);
    using etcd = openChange(others.length > 0 ? others : view.serving, tls);
    await etcd.members.remove(member.id);
    ctx.log.info("this member has left the cluster");
    // The data may go only when somebody else has it.
    if (others.length > 0) remember(ctx, { left: true });
    return undefined;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(`leaving the cluster: ${error.message}`);
    return error.message;
  }
}

/** A learner cannot go on alone, and refuses requests itself: the only voter is asked. */
async function promote(voter: Member, learner: Member, tls: Required<TlsOptions>): Promise<void> {
  using etcd = openChange(voter.clientUrls, tls);
  await etcd.members.promote(learner.id);
}

/** The id that the server at the own URLs tells; undefined when none does. */
async function tellsId(clientUrls: readonly string[], tls: Required<TlsOptions>): Promise<string | undefined> {
  const [url] = clientUrls;
  if (url === undefined) return undefined;
  using etcd = openLook([url], tls);
  try {
    return (await etcd.maintenance.status(url)).memberId;
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}

/** A member that leads lets another one do so first: clients do not wait for an election then. */
async function handOver(own: Member, heir: Member | undefined, tls: Required<TlsOptions>): Promise<void> {
  const [url] = own.clientUrls;
  if (!heir || url === undefined) return;
  using etcd = openLook([url], tls);
  try {
    if ((await etcd.maintenance.status(url)).leader === own.id) await etcd.maintenance.moveLeader(url, heir.id);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
  }
}
