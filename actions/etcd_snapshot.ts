/**
 * Action `snapshot` of charms that run etcd.
 *
 * @module
 */
import { dirname } from "node:path";
import type { ActionContext } from "../hooks/action_context.ts";
import { type ActionResults, defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { ensureDirectory, isThere } from "../interfaces/clients/files.ts";
import { ASKING, ETCD_SERVER, type OwnCluster, withCluster } from "./etcd_own.ts";
import { checkRoom, freeBytes, snapshotFile } from "./etcd_snapshot_place.ts";
import { inspectSnapshot, saveSnapshot, type SnapshotFacts } from "./etcd_tools.ts";

const OWNER_DIRECTORY = 0o700;

/** Saves this unit's member to a file that only root can read. */
export const etcdSnapshot = defineAction({
  name: "snapshot",
  side: ETCD_SERVER,
  needs: [...ASKING, "write"],
  run: (ctx) => withCluster(ctx, (cluster) => snapshot(ctx, cluster)),
});

async function snapshot(ctx: ActionContext, { own, open }: OwnCluster): Promise<ActionResults> {
  const file = snapshotFile(own.snapshots, ctx.params.string("path"), ctx.now());
  const directory = dirname(file);
  if (directory === own.snapshots) await ensureDirectory(directory, { mode: OWNER_DIRECTORY });
  if (!await isThere(directory)) {
    throw new ActionFailed(`there is no directory ${directory} on this unit; make it first`);
  }
  if (await isThere(file)) throw new ActionFailed(`${file} is there already; give another path`);
  using etcd = open([own.clientUrl]);
  const [health] = await etcd.maintenance.health();
  if (!health?.serves) {
    throw new ActionFailed(`this unit's member is not healthy (${health?.reason}); take the snapshot on another unit`);
  }
  const { dbSizeBytes } = await etcd.maintenance.status(own.clientUrl);
  checkRoom(directory, dbSizeBytes, await freeBytes(directory));
  await ctx.progress(`saving ${dbSizeBytes} bytes to ${file}`);
  await saveSnapshot(own.clientUrl, file, own.files);
  const { revision, bytes, sha256 } = await inspected(file);
  const results = { file, revision, "size-bytes": bytes, sha256 };
  return { ...results, output: JSON.stringify(results) };
}

/** A snapshot that cannot be restored must not look like one. */
async function inspected(file: string): Promise<SnapshotFacts> {
  try {
    return await inspectSnapshot(file);
  } catch (error) {
    await Deno.remove(file);
    throw error;
  }
}
