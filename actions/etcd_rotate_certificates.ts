/**
 * Action `rotate-certificates` of charms that run etcd.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { requestRotation } from "../interfaces/etcd/server/authority.ts";
import { ETCD_SERVER, leaderOnly } from "./etcd_own.ts";

/** Asks for new certificates, on request of a new authority too; the units get them in the hooks that follow. */
export const etcdRotateCertificates = defineAction({
  name: "rotate-certificates",
  side: ETCD_SERVER,
  // For openssl and its temporary files.
  needs: ["read", "write", "run"],
  async run(ctx) {
    await leaderOnly(ctx);
    const what = ctx.params.boolean("authority") === true ? "authority" : "leaves";
    await requestRotation(ctx, what);
    const rotation = what === "authority" ? "authority and certificates" : "certificates";
    return { rotation, output: JSON.stringify({ rotation, state: "requested" }) };
  },
});
