/**
 * Interface `postgresql_peers` with the servers behind it: units of an application form a Patroni cluster.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface } from "../../hooks/definition.ts";
import { blocked, done, type Outcome } from "../../hooks/outcome.ts";
import { CLUSTER, ENDS, MACHINE } from "../needs.ts";
import { ContractError } from "./bags.ts";
import { OptionError } from "./options.ts";
import type { RealWorld } from "./open_world.ts";

/** The interface's definition. What a hook does not need is not loaded. */
export const databasePeers = defineInterface({
  name: "postgresql_peers",
  role: "peers",
  // The driver of PostgreSQL asks the environment for its defaults.
  needs: [...CLUSTER, "env"],
  on: {
    changed: (ctx) => inWorld(ctx, async (world) => (await import("./changed.ts")).peersChanged(world)),
    departed: (ctx) =>
      inWorld(ctx, async (world) => (await import("./departed.ts")).peersDeparted(world, ctx.event.departingUnit)),
  },
  lifecycle: {
    install: {
      needs: MACHINE,
      run: (ctx) => guarded(async () => (await import("./install.ts")).installPackages(ctx)),
    },
    leaderElected: (ctx) => inWorld(ctx, async (world) => (await import("./handlers.ts")).leaderElected(world)),
    configChanged: (ctx) => inWorld(ctx, async (world) => (await import("./handlers.ts")).settingsChanged(world)),
    secretChanged: (ctx) => inWorld(ctx, async (world) => (await import("./handlers.ts")).settingsChanged(world)),
    secretRemove: {
      needs: [],
      async run(ctx) {
        const [{ isOwnSecret }, { removeRevision }] = [
          await import("./vault.ts"),
          await import("../secret_content.ts"),
        ];
        if (await ctx.isLeader() || await isOwnSecret(ctx, ctx.event.secretId)) removeRevision(ctx);
        return done;
      },
    },
    upgradeCharm: (ctx) => inWorld(ctx, async (world) => (await import("./handlers.ts")).podMade(world)),
    pebbleReady: (ctx) => inWorld(ctx, async (world) => (await import("./handlers.ts")).podMade(world)),
    updateStatus: (ctx) => inWorld(ctx, async (world) => (await import("./handlers.ts")).updateStatus(world)),
    storageDetaching: (ctx) => inWorld(ctx, async (world) => (await import("./stop.ts")).storageDetaching(world)),
    stop: {
      needs: CLUSTER,
      run: (ctx) => guarded(async () => (await import("./stop.ts")).stopUnit(ctx)),
    },
    remove: {
      needs: MACHINE,
      run: (ctx) => guarded(async () => (await import("./stop.ts")).removeUnit(ctx)),
    },
  },
  when: [{
    name: "keep the member running",
    notIn: ENDS,
    run: (ctx) => inWorld(ctx, async (world) => (await import("./reconcile.ts")).reconcile(world)),
  }],
  explain: async (ctx, slot) => (await import("./explain.ts")).explainPeers(ctx, slot),
});

async function inWorld(ctx: Context, run: (world: RealWorld) => Promise<Outcome>): Promise<Outcome> {
  return await guarded(async () => {
    const { openWorld } = await import("./open_world.ts");
    const world = await openWorld(ctx);
    return world ? await run(world) : done;
  });
}

/** What only an operator can mend is a status, and what is broken stays as it is. */
async function guarded(run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ContractError || error instanceof OptionError) return blocked(error.message);
    throw error;
  }
}
