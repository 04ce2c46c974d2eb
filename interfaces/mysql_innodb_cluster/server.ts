/**
 * Interface `mysql-innodb-cluster` in the charm that runs MySQL: each unit's server becomes a member of the cluster.
 *
 * @module
 */
import { defineInterface } from "../../hooks/definition.ts";
import { blocked, done } from "../../hooks/outcome.ts";
import { PackageError } from "../clients/errors.ts";
import { mysqlInnodbClusterPeers } from "./peers.ts";
import { cleanUp, leave } from "./server/leave.ts";
import { install } from "./server/program.ts";
import { reconcile } from "./server/reconcile.ts";
import { TEXT } from "./server/texts.ts";

/** The side of the units among each other, with the server that each of them runs. */
export const mysqlInnodbClusterServer = defineInterface({
  ...mysqlInnodbClusterPeers,
  needs: ["net", "read", "run", "sys", "write"],
  lifecycle: {
    ...mysqlInnodbClusterPeers.lifecycle,
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
