/**
 * The life of a server that a unit runs.
 *
 * @module
 */
import type { Context } from "../hooks/context.ts";
import type { LifecycleHandlers } from "../hooks/definition.ts";
import { blocked, done } from "../hooks/outcome.ts";
import { PackageError } from "./clients/errors.ts";
import { CLUSTER, MACHINE } from "./needs.ts";
import { removeRevision } from "./secret_content.ts";

/** What is done at the ends of a server's life. */
export interface Workload {
  /** Status during the installation. */
  readonly installing: string;
  /** Installs programs. */
  readonly install: (ctx: Context) => Promise<void>;
  /** Takes the server out of its cluster and stops it. */
  readonly leave: (ctx: Context) => Promise<void>;
  /** Removes what is on the machine. */
  readonly cleanUp: (ctx: Context) => Promise<void>;
}

/** Adds a server's life to that of the relation between the units that run it. */
export function withWorkload(relation: LifecycleHandlers | undefined, workload: Workload): LifecycleHandlers {
  return {
    ...relation,
    install: {
      needs: MACHINE,
      async run(ctx) {
        ctx.status.set("maintenance", workload.installing);
        try {
          await workload.install(ctx);
        } catch (error) {
          if (error instanceof PackageError) return blocked(error.message);
          throw error;
        }
        return done;
      },
    },
    stop: {
      needs: CLUSTER,
      async run(ctx) {
        await workload.leave(ctx);
        return done;
      },
    },
    remove: {
      needs: MACHINE,
      async run(ctx) {
        await workload.cleanUp(ctx);
        return done;
      },
    },
    async secretRemove(ctx) {
      if (await ctx.isLeader()) removeRevision(ctx);
      return done;
    },
  };
}

/**
 * Whether the unit is going: then nothing is to be mended any more, and the others it sees departing do not go.
 *
 * @param knew whether the unit remembers that it goes
 * @param remember called when it learns of it
 */
export function isOver(ctx: Context, knew: boolean | undefined, remember: () => void): boolean {
  const { event } = ctx;
  const learns = event.kind === "relation" && event.departingUnit === ctx.unit;
  if (learns) remember();
  return learns || knew === true;
}
