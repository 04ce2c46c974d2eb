/**
 * The passwords that both clusters share, by the names that this charm and the interface have for them.
 *
 * @module
 */
import {
  type Credentials as OwnCredentials,
  newPassword,
  type NewPasswords,
} from "../../mysql_innodb_cluster/server/passwords.ts";
import type { Credentials } from "../charm_side.ts";
import { USERS } from "../credentials.ts";

/** The interface's name of the password of the user that runs the cluster. */
export const CLUSTER_KEY = "cluster-admin-password";
/** The interface's name of the password of the user that members and clusters get data with. */
export const RECOVERY_KEY = "server-config-password";

/** Passwords of users that this charm's servers do not have; root comes by the socket. They are kept for the others. */
const OTHERS: readonly string[] = USERS.map(({ key }) => key).filter((key) =>
  key !== CLUSTER_KEY && key !== RECOVERY_KEY
);

/** What is shared; undefined while others of the passwords have not been made. */
export function sharedOf({ cluster, recovery, others }: OwnCredentials): Credentials | undefined {
  const kept = OTHERS.flatMap((key) => others[key] ? [[key, others[key]] as const] : []);
  if (kept.length < OTHERS.length) return undefined;
  return { [CLUSTER_KEY]: cluster.password, [RECOVERY_KEY]: recovery.password, ...Object.fromEntries(kept) };
}

/** Passwords that are made up because no user here needs them. */
export function missingOthers({ others }: OwnCredentials): Required<Pick<NewPasswords, "others">> {
  return { others: { ...Object.fromEntries(OTHERS.map((key) => [key, newPassword()])), ...others } };
}

/** One of the shared passwords as this charm keeps it. */
export function ownOf(key: string, password: string, { others }: OwnCredentials): NewPasswords {
  if (key === CLUSTER_KEY) return { cluster: password };
  return key === RECOVERY_KEY ? { recovery: password } : { others: { ...others, [key]: password } };
}
