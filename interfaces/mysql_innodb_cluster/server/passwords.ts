/**
 * The passwords of the cluster's own users and the key of its certificate authority. The leader makes them; they are in a
 * secret that the application owns, which its units can read.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { UnknownCommandError } from "../../../hooks/errors.ts";
import type { Relation } from "../../../hooks/relation.ts";
import { createAuthority, type Identity } from "../../clients/certificates/authority.ts";
import type { Account } from "../../clients/mysql/accounts.ts";
import { text } from "../../databag.ts";
import { readSecret, readTexts } from "../../secret_content.ts";
import { type ClusterRecord, PASSWORDS_KEY, writeRecord } from "./record.ts";

/** The cluster's own users. */
export interface Users {
  /** Runs the cluster: what peers get to know. */
  readonly cluster: Account;
  /** What members get data from each other with. */
  readonly recovery: Account;
}

/** All that is secret. */
export interface Credentials extends Users {
  /** The record's version that these belong to. */
  readonly version: number;
  readonly authority: Identity;
  /** Passwords of users that only clusters of other charms have, by the names that those give them. */
  readonly others: Readonly<Record<string, string>>;
}

/** Passwords to take instead of the present ones. */
export interface NewPasswords {
  readonly cluster?: string;
  readonly recovery?: string;
  readonly others?: Readonly<Record<string, string>>;
}

/** The name that the interface's documentation and its other charm use. */
const CLUSTER_USER = "clusteruser";
const RECOVERY_USER = "clusterrecovery";
/** Servers call each other from any of their addresses. */
const ANYWHERE = "%";
const PASSWORD_BYTES = 24;
const AUTHORITY_DAYS = 3650;
const DESCRIPTION = "MySQL: passwords of the cluster's users, and its certificate authority";

/** Makes the record with new passwords, on the leader; nothing uses them before this hook is committed. */
export async function establish(
  ctx: Context,
  peers: Relation,
  record: Pick<ClusterRecord, "groupName" | "clusterName" | "first">,
): Promise<void> {
  const authority = await createAuthority({ name: "mysql", days: AUTHORITY_DAYS });
  const content = contentOf(1, { cluster: newPassword(), recovery: newPassword(), others: {} }, authority);
  const whole = { ...record, authority: authority.certificate, passwords: 1, clustered: [], removed: [] };
  try {
    const secret = await ctx.secrets.add(content, { description: DESCRIPTION });
    peers.localApp.set(writeRecord({ ...whole, secret }));
  } catch (error) {
    if (!(error instanceof UnknownCommandError)) throw error;
    keepInBag(ctx, peers, content);
    peers.localApp.set(writeRecord(whole));
  }
}

/**
 * Makes new passwords, on the leader. The servers get them in the hooks that follow: the unit of the primary changes
 * them there, every unit tells its own server.
 */
export function renewPasswords(ctx: Context, peers: Relation, record: ClusterRecord, old: Credentials): void {
  replacePasswords(ctx, peers, record, old, { cluster: newPassword(), recovery: newPassword() });
}

/**
 * Takes passwords of somebody else, on the leader; the servers get them as new ones.
 *
 * @returns the credentials as they are when the hook commits
 */
export function replacePasswords(
  ctx: Context,
  peers: Relation,
  record: ClusterRecord,
  old: Credentials,
  { cluster = old.cluster.password, recovery = old.recovery.password, others = old.others }: NewPasswords,
): Credentials {
  // The servers here have no users for the others: those alone are nothing new to them. All changes of a hook are one.
  const isSame = cluster === old.cluster.password && recovery === old.recovery.password;
  const version = isSame ? old.version : record.passwords + 1;
  const content = contentOf(version, { cluster, recovery, others }, old.authority);
  if (record.secret === undefined) keepInBag(ctx, peers, content);
  else ctx.secrets.set(record.secret, content);
  if (!isSame) peers.localApp.set({ "passwords-version": `${version}` });
  return {
    ...old,
    version,
    cluster: { ...old.cluster, password: cluster },
    recovery: { ...old.recovery, password: recovery },
    others,
  };
}

/** A password of 24 random bytes: recovery channels take 32 characters at most. */
export function newPassword(): string {
  return crypto.getRandomValues(new Uint8Array(PASSWORD_BYTES)).toBase64({ alphabet: "base64url" });
}

/**
 * The passwords of a record.
 *
 * @returns undefined while the secret is not there yet, or is older than the record
 */
export async function readCredentials(
  ctx: Context,
  peers: Relation,
  record: ClusterRecord,
): Promise<Credentials | undefined> {
  const content = record.secret === undefined
    ? readTexts(text(await peers.app(), PASSWORDS_KEY))
    : await readSecret(ctx, record.secret);
  const { "cluster-password": cluster, "recovery-password": recovery, "ca-key": key } = content;
  const version = Number(content["for-version"]);
  if (cluster === undefined || recovery === undefined || key === undefined || version !== record.passwords) {
    return undefined;
  }
  const others = Object.fromEntries(Object.entries(content).filter(([name]) => isOthers(name)));
  for (const value of [cluster, recovery, key, ...Object.values(others)]) ctx.mask(value);
  return {
    version,
    cluster: { user: CLUSTER_USER, host: ANYWHERE, password: cluster, role: "admin" },
    recovery: { user: RECOVERY_USER, host: ANYWHERE, password: recovery, role: "recovery" },
    authority: { certificate: record.authority, key },
    others,
  };
}

function contentOf(
  version: number,
  { cluster, recovery, others }: Required<NewPasswords>,
  authority: Identity,
): Record<string, string> {
  return {
    ...others,
    "for-version": `${version}`,
    "cluster-password": cluster,
    "recovery-password": recovery,
    "ca-key": authority.key,
  };
}

function isOthers(key: string): boolean {
  return key.endsWith("-password") && key !== "cluster-password" && key !== "recovery-password";
}

function keepInBag(ctx: Context, peers: Relation, content: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(content)) if (key !== "for-version") ctx.mask(value);
  peers.localApp.set({ [PASSWORDS_KEY]: JSON.stringify(content) });
}
