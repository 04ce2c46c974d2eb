/**
 * The passwords of the cluster's own users and the key of its certificate authority. The leader makes them; they are in a
 * secret that the application owns, which its units can read.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { NotFoundError, PermissionDeniedError, UnknownCommandError } from "../../../hooks/errors.ts";
import type { Relation } from "../../../hooks/relation.ts";
import { createAuthority, type Identity } from "../../clients/certificates/authority.ts";
import type { Account } from "../../clients/mysql/accounts.ts";
import { text } from "../../databag.ts";
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
  const content = contentOf(1, newPassword(), newPassword(), authority);
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
  const version = record.passwords + 1;
  const content = contentOf(version, newPassword(), newPassword(), old.authority);
  if (record.secret === undefined) keepInBag(ctx, peers, content);
  else ctx.secrets.set(record.secret, content);
  peers.localApp.set(writeRecord({ ...record, passwords: version }));
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
    ? readBag(text(await peers.app(), PASSWORDS_KEY))
    : await readSecret(ctx, record.secret);
  const { "cluster-password": cluster, "recovery-password": recovery, "ca-key": key } = content;
  const version = Number(content["for-version"]);
  if (cluster === undefined || recovery === undefined || key === undefined || version !== record.passwords) {
    return undefined;
  }
  for (const value of [cluster, recovery, key]) ctx.mask(value);
  return {
    version,
    cluster: { user: CLUSTER_USER, host: ANYWHERE, password: cluster, role: "admin" },
    recovery: { user: RECOVERY_USER, host: ANYWHERE, password: recovery, role: "recovery" },
    authority: { certificate: record.authority, key },
  };
}

function contentOf(version: number, cluster: string, recovery: string, authority: Identity): Record<string, string> {
  return {
    "for-version": `${version}`,
    "cluster-password": cluster,
    "recovery-password": recovery,
    "ca-key": authority.key,
  };
}

/** Recovery channels take 32 characters at most. */
function newPassword(): string {
  return crypto.getRandomValues(new Uint8Array(PASSWORD_BYTES)).toBase64({ alphabet: "base64url" });
}

async function readSecret(ctx: Context, uri: string): Promise<Readonly<Record<string, string>>> {
  try {
    return await ctx.secrets.get(uri, "refresh");
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof PermissionDeniedError) return {};
    throw error;
  }
}

function keepInBag(ctx: Context, peers: Relation, content: Readonly<Record<string, string>>): void {
  for (const key of ["cluster-password", "recovery-password", "ca-key"]) ctx.mask(content[key] ?? "");
  peers.localApp.set({ [PASSWORDS_KEY]: JSON.stringify(content) });
}

function readBag(value: string | undefined): Readonly<Record<string, string>> {
  try {
    const parsed: unknown = JSON.parse(value ?? "{}");
    const entries = Object.entries(typeof parsed === "object" && parsed !== null ? parsed : {});
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch {
    return {};
  }
}
