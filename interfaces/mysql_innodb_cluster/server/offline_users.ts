/**
 * The passwords of a server that was down while its cluster got new ones.
 *
 * @module
 */
import { checkPassword, setOfflinePassword } from "../../clients/mysql/accounts.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { placeAt, type Ward } from "./ward.ts";

/**
 * Gives a stopped member the passwords of the cluster's users where it has others. The members that run log in at it with
 * those when it comes back: the change itself would reach it too late.
 *
 * @param db connection to that server
 */
export async function takePasswords(ward: Ward, db: Mysql, address: Address): Promise<void> {
  const { ctx, credentials: { cluster, recovery } } = ward;
  const at = placeAt(ward, address);
  for (const account of [cluster, recovery]) {
    if (await checkPassword({ at, user: account.user, password: account.password })) continue;
    await setOfflinePassword(db, account);
    ctx.log.info(`${account.user} has its new password on a server that was down`);
  }
}
