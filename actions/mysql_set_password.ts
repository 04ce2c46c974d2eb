/**
 * Action `set-password` of charms that run MySQL.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { isReplica } from "../interfaces/clients/mysql/fencing.ts";
import { readChannels } from "../interfaces/clients/mysql/status.ts";
import { openOwn } from "../interfaces/mysql_innodb_cluster/server/mysqld.ts";
import { renewPasswords } from "../interfaces/mysql_innodb_cluster/server/passwords.ts";
import { followsPasswords } from "../interfaces/mysql_innodb_cluster/server/set_keys.ts";
import { TEXT } from "../interfaces/mysql_innodb_cluster/server/texts.ts";
import { MACHINE } from "../interfaces/needs.ts";
import { MYSQL_SERVER, withLeadersWard } from "./mysql_own.ts";

/** Makes new passwords for the cluster's own users; the servers get them in the hooks that follow. */
export const mysqlSetPassword = defineAction({
  name: "set-password",
  side: MYSQL_SERVER,
  needs: MACHINE,
  run: (ctx) =>
    withLeadersWard(ctx, async (ward) => {
      const { peers, record, credentials } = ward;
      if (await followsPasswords(ctx)) throw new ActionFailed(TEXT.passwordsOfPrimary);
      await using own = await openOwn(ward.place);
      if (isReplica(await readChannels(own))) throw new ActionFailed(TEXT.passwordsOfReplica);
      renewPasswords(ctx, peers, record, credentials);
      const users = [credentials.cluster.user, credentials.recovery.user].join(",");
      const version = record.passwords + 1;
      return { users, version, output: JSON.stringify({ users, version, state: "requested" }) };
    }),
});
