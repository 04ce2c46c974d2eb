/**
 * The passwords that both clusters share: one secret of the primary side's application, by id.
 *
 * @module
 */
import { HookCommandError, NotFoundError, PermissionDeniedError } from "../../hooks/errors.ts";
import type { Context } from "../../hooks/context.ts";
import { quote } from "../databag.ts";
import type { Credentials } from "./charm_side.ts";
import { ClusterSetError } from "./cluster_server.ts";
import { PEER_APP } from "./keys.ts";
import type { Replication } from "./replication.ts";

interface User {
  /** Name of its password. */
  readonly key: string;
  readonly user: string;
  /** Part of the account's name; default: every host. */
  readonly host?: string;
}

/** The users that both clusters need, in the order in which their passwords are changed. */
export const USERS: readonly User[] = [
  { key: "root-password", user: "root", host: "localhost" },
  { key: "server-config-password", user: "serverconfig" },
  { key: "cluster-admin-password", user: "clusteradmin" },
  { key: "monitoring-password", user: "monitoring" },
  { key: "backups-password", user: "backups" },
];

/** Longest password in characters; more than any charm makes. */
const MAX_PASSWORD = 256;
const DESCRIPTION = "Passwords of the MySQL users that clusters in asynchronous replication share";

/** What became of reading the primary side's secret. */
export type Obtained =
  | { readonly kind: "credentials"; readonly credentials: Credentials }
  /** Not granted yet, or revoked. */
  | { readonly kind: "absent" }
  /** It is not what it must be. */
  | { readonly kind: "unusable"; readonly why: string };

/**
 * Reads the latest revision of the primary side's secret. Every password is checked before any is used.
 *
 * @param id as the primary side sent it
 */
export async function obtain(ctx: Context, id: string): Promise<Obtained> {
  try {
    return checkCredentials(await ctx.secrets.get(id, "refresh"));
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof PermissionDeniedError) return { kind: "absent" };
    if (error instanceof HookCommandError && error.code === 2) {
      return { kind: "unusable", why: "its id is not one of Juju's" };
    }
    throw error;
  }
}

/** The passwords of all users and no others, or why the content is not that. Messages never hold values. */
export function checkCredentials(content: Credentials): Obtained {
  const known = USERS.map(({ key }) => key);
  const missing = known.filter((key) => !Object.hasOwn(content, key));
  const unknown = Object.keys(content).filter((key) => !known.includes(key));
  const empty = known.filter((key) => !missing.includes(key) && !isPassword(content[key] ?? ""));
  const problems = [
    ...(missing.length > 0 ? [`it lacks ${missing.join(", ")}`] : []),
    ...(unknown.length > 0 ? [`it has unknown keys (${unknown.slice(0, 5).map(quote).join(", ")})`] : []),
    ...(empty.length > 0 ? [`${empty.join(", ")} cannot be a password`] : []),
  ];
  return problems.length > 0
    ? { kind: "unusable", why: problems.join("; ") }
    : { kind: "credentials", credentials: content };
}

function isPassword(value: string): boolean {
  return value.length > 0 && value.length <= MAX_PASSWORD && !/\p{Cc}/u.test(value);
}

/**
 * Gives the users the primary side's passwords. Repeating it is harmless: a run that failed half-way starts over.
 *
 * @param keys names of the passwords; default: all
 */
export async function sync(
  { server, charm, ctx }: Replication,
  credentials: Credentials,
  keys: readonly string[] = USERS.map(({ key }) => key),
): Promise<void> {
  for (const { key, user, host } of USERS.filter((each) => keys.includes(each.key))) {
    const password = credentials[key] ?? "";
    await server.updateUserPassword(user, password, ...(host === undefined ? [] : [{ host }]));
    await charm.setSecret(key, password);
    ctx.log.debug(`Synced the password of ${user}`);
  }
}

/** Names of the passwords that differ from those that the application keeps. */
export function changedKeys(own: Credentials, remote: Credentials): string[] {
  return USERS.map(({ key }) => key).filter((key) => own[key] !== remote[key]);
}

/**
 * The id of the secret that the replica side reads, made when there is none yet.
 *
 * @throws {ClusterSetError} the application has no passwords yet
 */
export async function share(at: Replication): Promise<string> {
  const { ctx, charm, peer } = at;
  const known = (await peer.app())[PEER_APP.secretId];
  if (known && await keepShared(at)) return known;
  const credentials = await charm.credentials();
  if (!credentials) throw new ClusterSetError("the application has no passwords to share yet");
  const id = await ctx.secrets.add(shareable(credentials), { description: DESCRIPTION });
  peer.setApp({ [PEER_APP.secretId]: id });
  return id;
}

/**
 * Brings the shared secret up to date after the application's passwords have changed.
 *
 * @returns whether there is a shared secret
 */
export async function keepShared({ ctx, charm, peer }: Replication): Promise<boolean> {
  const id = (await peer.app())[PEER_APP.secretId];
  if (!id) return false;
  const credentials = await charm.credentials();
  try {
    const shared = await ctx.secrets.get(id, "peek");
    const wanted = shareable(credentials ?? shared);
    const keys = Object.keys({ ...shared, ...wanted });
    if (keys.some((key) => shared[key] !== wanted[key])) ctx.secrets.set(id, wanted);
    return true;
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    ctx.log.warning("the secret shared with replica clusters is gone; the next relation makes a new one");
    return false;
  }
}

function shareable(credentials: Credentials): Credentials {
  return Object.fromEntries(Object.entries(credentials).filter(([key]) => key.includes("password")));
}
