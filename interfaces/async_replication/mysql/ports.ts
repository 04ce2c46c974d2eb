/**
 * Replication between clusters in the charm that runs MySQL: both ports.
 *
 * @module
 */
import { prepareDriver } from "../../clients/mysql/connection.ts";
import { prepareTls } from "../../clients/prepare_tls.ts";
import type { PortSource } from "../charm_side.ts";
import { mysqlCharm } from "./charm.ts";
import { mysqlServer } from "./server.ts";
import { Site } from "./site.ts";

/** The ports to the unit's own MySQL server and its charm. */
export const mysqlPorts: PortSource = {
  needs: ["net", "read", "run", "sys", "write"],
  open(ctx) {
    const site = new Site(ctx);
    // Actions ask servers of other clusters; most hooks ask the own one at most.
    if (ctx.event.kind === "action") {
      prepareDriver();
      prepareTls();
      // Who asks for it hears of a failure. The server is not asked yet: an action that is refused must not wait for it.
      site.ward().catch(() => undefined);
    }
    const server = mysqlServer(site);
    return { server, charm: mysqlCharm(site, server), [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() };
  },
};
