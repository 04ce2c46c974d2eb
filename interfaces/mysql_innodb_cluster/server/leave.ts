/**
 * How a unit leaves: its server leaves the group first, and only then stops.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ClientError } from "../../clients/errors.ts";
import { leaveGroup } from "../../clients/mysql/group.ts";
import { readGroup } from "../../clients/mysql/members.ts";
import { handOver } from "./hand_over.ts";
import { readMemory, remember } from "./memory.ts";
import { openOwn, removeAll, removeUnfinished } from "./mysqld.ts";
import { type Paths, pathsOf } from "./place.ts";
import { serverService } from "./program.ts";

/** Takes the server out of the cluster and stops it; it goes also when the cluster cannot be asked. */
export async function leave(ctx: Context): Promise<void> {
  const { dataDirectory } = readMemory(ctx);
  remember(ctx, { leaving: true });
  if (dataDirectory === undefined) return;
  const paths = pathsOf(ctx.unit, dataDirectory);
  const service = await serverService(ctx, paths);
  if (!service) return;
  if ((await service.manager.state(service.spec)).running) await leaveCluster(ctx, paths);
  await service.manager.stop(service.spec);
}

/** Deletes what is on the disk. The data of the last member is nowhere else: it stays. */
export async function cleanUp(ctx: Context): Promise<void> {
  const { dataDirectory, left, wasMember } = readMemory(ctx);
  if (dataDirectory === undefined) return;
  const paths = pathsOf(ctx.unit, dataDirectory);
  const service = await serverService(ctx, paths);
  if (service) await service.manager.remove(service.spec);
  const mayGo = left || !wasMember;
  const gone = [paths.run, paths.log, paths.tls, paths.myCnf];
  await removeUnfinished(paths);
  for (const path of mayGo ? [...gone, paths.data] : gone) await removeAll(path);
  if (!mayGo) ctx.log.warning(`no other member is known to have this server's data: it stays in ${paths.data}`);
}

async function leaveCluster(ctx: Context, paths: Paths): Promise<void> {
  try {
    await using db = await openOwn(paths);
    const { self, online, quorum } = await readGroup(db);
    const othersHaveIt = self?.state === "ONLINE" && quorum && online > 1;
    await handOver(ctx, db);
    await leaveGroup(db);
    if (othersHaveIt) remember(ctx, { left: true });
    ctx.log.info("this server has left the cluster");
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(`leaving the cluster: ${error.message}`);
  }
}
