/**
 * Action `member-list` of charms that run etcd.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { listResults } from "./etcd_members.ts";
import { ASKING, ETCD_SERVER, withCluster } from "./etcd_own.ts";

/** Tells who is in the cluster. */
export const etcdMemberList = defineAction({
  name: "member-list",
  side: ETCD_SERVER,
  needs: ASKING,
  run: (ctx) => withCluster(ctx, async ({ etcd }) => listResults(await etcd.members.list())),
});
