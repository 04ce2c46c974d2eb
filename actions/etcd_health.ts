/**
 * Action `health` of charms that run etcd.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { healthResults, observe, reportMembers } from "./etcd_members.ts";
import { ASKING, ETCD_SERVER, withCluster } from "./etcd_own.ts";

/** Tells of each member whether it serves, its version, size, alarms and errors, and who leads. */
export const etcdHealth = defineAction({
  name: "health",
  side: ETCD_SERVER,
  needs: ASKING,
  run: (ctx) => withCluster(ctx, async ({ etcd, open }) => healthResults(reportMembers(await observe(etcd, open)))),
});
