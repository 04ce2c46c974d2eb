/**
 * Action `set-password` of charms that run MySQL.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { renewPasswords } from "../interfaces/mysql_innodb_cluster/server/passwords.ts";
import { ASKING, MYSQL_SERVER, withLeadersWard } from "./mysql_own.ts";

/** Makes new passwords for the cluster's own users; the servers get them in the hooks that follow. */
export const mysqlSetPassword = defineAction({
  name: "set-password",
  side: MYSQL_SERVER,
  needs: ASKING,
  run: (ctx) =>
    withLeadersWard(ctx, (ward) => {
      const { peers, record, credentials } = ward;
      renewPasswords(ctx, peers, record, credentials);
      const users = [credentials.cluster.user, credentials.recovery.user].join(",");
      const version = record.passwords + 1;
      return Promise.resolve({ users, version, output: JSON.stringify({ users, version, state: "requested" }) });
    }),
});
