/**
 * What every charm needs after an upgrade: Juju replaced the charm directory, so links made on the unit are repaired.
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
