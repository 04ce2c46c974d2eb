/**
 * Action `restore` of charms that run etcd.
 *
 * @module
 */
import type { ActionContext } from "../hooks/action_context.ts";
import { type ActionResults, defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { beginGeneration } from "../interfaces/etcd/server/generation.ts";
import { ownService } from "../interfaces/etcd/server/own.ts";
import { ASKING, ETCD_SERVER, leaderOnly, type OwnCluster, withCluster } from "./etcd_own.ts";
import { replaceData } from "./etcd_replace_data.ts";
import { checkPath, checkRoom, freeBytes } from "./etcd_snapshot_place.ts";
import { inspectSnapshot } from "./etcd_tools.ts";

/** A restored member has the data twice for a while: the database, and the log that leads to it. */
const ROOM_FACTOR = 2;

/** Replaces the data of the whole cluster by a snapshot; the other units then join again with empty data. */
export const etcdRestore = defineAction({
  name: "restore",
  side: ETCD_SERVER,
  needs: [...ASKING, "write"],
  async run(ctx) {
    await leaderOnly(ctx);
    const snapshot = ctx.params.string("snapshot") ?? "";
    checkPath("snapshot", snapshot);
    if (ctx.params.boolean("confirm") !== true) {
      throw new ActionFailed("all data that etcd has now is replaced; when that is what you want, add confirm=true");
    }
    return await withCluster(ctx, (cluster) => restore(ctx, cluster, snapshot));
  },
});

async function restore(ctx: ActionContext, { own, etcd, open }: OwnCluster, snapshot: string): Promise<ActionResults> {
  const { revision, bytes, sha256 } = await inspectSnapshot(snapshot);
  checkRoom(own.directory, ROOM_FACTOR * bytes, await freeBytes(own.directory));
  const { start, stop } = await ownService(ctx);
  const progress = (message: string): Promise<void> => ctx.progress(message);
  const { removed, oldData = "" } = await replaceData(
    { ...own, start, stop },
    snapshot,
    etcd.endpoints,
    open,
    progress,
  );
  const generation = await beginGeneration(ctx);
  const results = { revision, sha256, generation, "removed-members": removed.join(","), "old-data": oldData };
  return { ...results, output: JSON.stringify(results) };
}
