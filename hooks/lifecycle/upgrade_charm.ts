/**
 * What every charm needs after an upgrade. Juju keeps the links that were made on the unit and knows nothing of them:
 * an endpoint or action that the new revision brings has none yet, and one that it dropped still has.
 *
 * @module
 */
import type { Binding } from "../definition.ts";
import { done } from "../outcome.ts";

/** The dispatcher's own handlers. No endpoint can have their source's name. */
export const upgradeLinks: Binding = {
  source: "@charmlet",
  endpoint: undefined,
  definition: {
    lifecycle: {
      upgradeCharm: {
        needs: ["read", "write"],
        async run(ctx) {
          const { repairLinks } = await import("../cli/link.ts");
          const repaired = await repairLinks(ctx.charmDir, Deno.execPath());
          if (repaired.length > 0) ctx.log.info(`repaired the links ${repaired.join(", ")}`);
          return done;
        },
      },
    },
  },
};
