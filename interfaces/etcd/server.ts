/**
 * Interface `etcd` in the charm that runs etcd: each unit keeps a member of the cluster.
 *
 * @module
 */
import { defineInterface } from "../../hooks/definition.ts";
import { blocked, done } from "../../hooks/outcome.ts";
import { PackageError } from "../clients/errors.ts";
import { etcdPeersInterface } from "./peers.ts";
import { cleanUp, leave } from "./server/leave.ts";
import { install } from "./server/packages.ts";
import { reconcile } from "./server/reconcile.ts";
import { TEXT } from "./server/texts.ts";

/** The side of the units among each other, with the member that each of them runs. */
export const etcdServer = defineInterface({
  ...etcdPeersInterface,

  needs: ["net", "read", "run", "sys", "write"],
  lifecycle: {
    ...etcdPeersInterface.lifecycle,
    async install(ctx) {
      ctx.status.set("maintenance", TEXT.installing);
      try {
        await install(ctx);
      } catch (error) {
        if (error instanceof PackageError) return blocked(error.message);
        throw error;
      }
      return done;
    },
    async stop(ctx) {
      await leave(ctx);
      return done;
    },
    async remove(ctx) {
      await cleanUp(ctx);
      return done;
    },
    async secretRemove(ctx) {
      if (await ctx.isLeader()) ctx.secrets.remove(ctx.event.secretId, ctx.event.revision);
      return done;
    },
  },
  when: [{ name: "reconcile", run: reconcile }],
});
