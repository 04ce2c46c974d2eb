/**
 * How a unit leaves: it takes its member out of the cluster first, and only then stops it.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import { ClientError, UnhealthyClusterError } from "../../clients/errors.ts";
import type { TlsOptions } from "../../clients/etcd/pem.ts";
import type { Member } from "../../clients/etcd/members.ts";
import { isServing, look, openChange, openLook, origin, pause } from "./cluster.ts";
import { standing } from "./decide.ts";
import { readClient } from "./leaves.ts";
import { memberService, removeAll } from "./member_service.ts";
import { type Memory, readMemory, remember } from "./memory.ts";
import { type Paths, pathsOf } from "./place.ts";
import { readReport } from "./record.ts";
import { TEXT } from "./texts.ts";

/** Another member may just have been removed, and etcd then refuses for five seconds. */
const REMOVE_MS = 8000;
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
  if (tls && memory.memberId !== undefined) await unregister(ctx, paths, memory, tls);
  if (service) await service.manager.stop(service.spec);
}

/** Deletes what is on the disk. The data of the last member is nowhere else: it stays. */
export async function cleanUp(ctx: Context): Promise<void> {
  const { dataDirectory, left } = readMemory(ctx);
  if (dataDirectory === undefined) return;
  const paths = pathsOf(ctx.unit, dataDirectory);
  const service = await memberService(paths);
  if (service) await service.manager.remove(service.spec);
  const gone = [paths.tlsDirectory, paths.configFile, `${paths.dataDirectory}.previous`];
  for (const path of left ? [...gone, paths.dataDirectory, paths.marker] : gone) await removeAll(path);
  if (!left) ctx.log.warning(`this was the last member that is known: its data stays in ${paths.dataDirectory}`);
}

async function unregister(ctx: Context, paths: Paths, memory: Memory, tls: Required<TlsOptions>): Promise<void> {
  const [peers] = await ctx.relations();
  const { clientUrls, peerUrl = "" } = readReport(ctx.unit, await peers?.local.get() ?? {});
  const own = { name: paths.name, peerUrl, memberId: memory.memberId };
  let refusal: UnhealthyClusterError | undefined;
  for (const end = Date.now() + REMOVE_MS;; await pause(PAUSE_MS)) {
    // The others go first: they stay when this one is out.
    const view = await look([...memory.others ?? [], ...clientUrls], tls);
    const { member, isRemoved, serves } = view ? standing(view, own) : NOWHERE;
    if (isRemoved) return void remember(ctx, { left: true });
    if (view && member && view.members.length === 1) return;
    if (view && member) {
      const ownUrls = clientUrls.map(origin);
      const others = view.serving.filter((url) => !ownUrls.includes(url));
      try {
        const heir = view.members.find((each) => each.id !== member.id && !each.isLearner && isServing(view, each));
        await handOver(member, heir, tls);
        using etcd = openChange(others.length > 0 ? others : view.serving, tls);
        await etcd.members.remove(member.id);
        ctx.log.info("this member has left the cluster");
        return void remember(ctx, { left: true });
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        if (error instanceof UnhealthyClusterError) refusal = error;
        ctx.log.warning(`leaving the cluster: ${error.message}`);
      }
    }
    if (Date.now() < end) continue;
    if (refusal && serves && await ctx.plannedUnits() > 0) throw new ValueError(TEXT.cannotSpare(refusal.message));
    ctx.status.set("blocked", TEXT.unregistration);
    return;
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
