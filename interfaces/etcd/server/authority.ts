/**
 * The application's certificate authority. The leader makes it, and the identity that all clients share; both are in a
 * secret that the application owns, which its units can read: each unit makes its own members' certificates from it, so
 * that joining, new addresses and renewals wait for nobody. The authority's key is never written to a unit's disk.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { UnknownCommandError, ValueError } from "../../../hooks/errors.ts";
import type { Relation } from "../../../hooks/relation.ts";
import { createAuthority, expiresWithin, type Identity, issue } from "../../clients/certificates/authority.ts";
import { text } from "../../databag.ts";
import { readSecret, readTexts } from "../../secret_content.ts";
import { readReport, type UnitReport } from "./record.ts";
import { TEXT } from "./texts.ts";
import { IDENTITIES_KEY, progressOf, readTlsState, type TlsState, writeTlsState } from "./tls_state.ts";

/** What signs, and what clients get. */
export interface Identities {
  /** The state that these belong to. */
  readonly version: number;
  readonly authority: Identity;
  readonly client: Identity;
  /** The authority that is going to sign, while it is only trusted yet. */
  readonly next?: Identity;
}

const AUTHORITY_DAYS = 3650;
const CLIENT_DAYS = 365;
const DAY_MS = 24 * 3600 * 1000;
const RENEW_CLIENT_MS = 30 * DAY_MS;
const RENEW_AUTHORITY_MS = 400 * DAY_MS;
/** Certificates without common name: etcd's gateway refuses clients with one while authentication is on. */
const ORGANISATION = "etcd";

/** The certificates of the application; undefined before there are any. */
export async function tlsState(peers: Relation): Promise<TlsState | undefined> {
  return readTlsState(await peers.app());
}

/** Makes the authority, on the leader; nothing uses it before this hook is committed. */
export async function establishAuthority(ctx: Context, peers: Relation): Promise<void> {
  const authority = await createAuthority({ name: ORGANISATION, days: AUTHORITY_DAYS });
  const identities = { version: 1, authority, client: await newClient(authority) };
  const state = { version: 1, phase: "", leavesSince: 1, trust: authority.certificate, reachedAt: 0 } as const;
  const content = contentOf(identities);
  try {
    const secret = await ctx.secrets.add(content, { description: "etcd: certificate authority and client identity" });
    peers.localApp.set(writeTlsState({ ...state, secret }));
  } catch (error) {
    if (!(error instanceof UnknownCommandError)) throw error;
    keepInBag(ctx, peers, identities);
    peers.localApp.set(writeTlsState(state));
  }
}

/**
 * The identities of a state.
 *
 * @returns undefined while the secret is not there yet, or is older than the state
 */
export async function readIdentities(ctx: Context, peers: Relation, state: TlsState): Promise<Identities | undefined> {
  const content = state.secret === undefined
    ? readTexts(text(await peers.app(), IDENTITIES_KEY))
    : await readSecret(ctx, state.secret);
  for (const [key, value] of Object.entries(content)) if (key.endsWith("-key")) ctx.mask(value);
  const pair = (name: string): Identity | undefined => {
    const [certificate, key] = [content[`${name}-cert`], content[`${name}-key`]];
    return certificate !== undefined && key !== undefined ? { certificate, key } : undefined;
  };
  const [authority, client, next] = [pair("ca"), pair("client"), pair("next")];
  const version = Number(content["for-version"]);
  if (!authority || !client || version !== state.version) return undefined;
  return { version, authority, client, ...(next ? { next } : {}) };
}

/**
 * What the leader does in every hook: goes on with a change of the authority when every unit has followed, and begins
 * one long before the authority expires; renews the clients' identity.
 *
 * @param reports of all units that are there, the own one too
 * @param look whether dates are looked at: that means reading the secret
 */
export async function tendAuthority(
  ctx: Context,
  peers: Relation,
  state: TlsState,
  reports: readonly UnitReport[],
  look: boolean,
): Promise<void> {
  const pauseMs = 1000 * ((await ctx.config()).number("rotation-pause") ?? 0);
  const progress = progressOf(state, reports, ctx.now(), pauseMs);
  if (progress === "note") peers.localApp.set(writeTlsState({ ...state, reachedAt: ctx.now() }));
  if (progress !== "advance" && !look) return;
  const identities = await readIdentities(ctx, peers, state);
  if (!identities) return;
  if (progress === "advance") await advance(ctx, peers, state, identities);
  else if (state.phase !== "") return;
  else if (expiresWithin(identities.authority.certificate, RENEW_AUTHORITY_MS)) {
    await beginAuthority(ctx, peers, state, identities);
  } else if (expiresWithin(identities.client.certificate, RENEW_CLIENT_MS)) {
    const client = await newClient(identities.authority);
    write(ctx, peers, { ...state, version: state.version + 1 }, { ...identities, client });
  }
}

/**
 * Begins a change of certificates, which the units' next hooks carry out.
 *
 * @param what `leaves`: new certificates for members and clients; `authority`: a new authority too, in phases in which
 *   clients that follow stay connected
 * @throws {ValueError} on a unit that does not lead, before there is anything to change, and during another change
 */
export async function requestRotation(ctx: Context, what: "leaves" | "authority"): Promise<void> {
  const { peers, state } = await ofLeader(ctx);
  const phase = await rotationPhase(ctx);
  if (phase !== undefined) throw new ValueError(TEXT.rotating(phase));
  const identities = await readIdentities(ctx, peers, state);
  if (!identities) throw new ValueError(TEXT.staleSecret);
  if (what === "authority") return await beginAuthority(ctx, peers, state, identities);
  const version = state.version + 1;
  const client = await newClient(identities.authority);
  write(ctx, peers, { ...state, version, leavesSince: version }, { ...identities, client });
}

/** What of a change of certificates is under way; undefined without one. */
export async function rotationPhase(ctx: Context): Promise<string | undefined> {
  const [peers] = await ctx.relations();
  const state = peers && await tlsState(peers);
  if (!peers || !state) return undefined;
  const reports = await reportsOf(ctx, peers);
  const behind = reports.filter(({ tlsVersion }) => tlsVersion < state.version)
    .map(({ unit }) => unit);
  const waiting = behind.length === 0 ? "" : `, waiting for ${behind.join(", ")}`;
  switch (state.phase) {
    case "trust":
      return `trusting the new authority${waiting}`;
    case "leaves":
      return `using certificates of the new authority${waiting}`;
    case "":
      return behind.length === 0 ? undefined : `new certificates${waiting}`;
  }
}

/** Reports of all units that are there, the own one first. */
export async function reportsOf(ctx: Context, peers: Relation): Promise<UnitReport[]> {
  const own = readReport(ctx.unit, await peers.local.get());
  return [own, ...(await peers.units()).map(({ name, data }) => readReport(name, data))];
}

async function ofLeader(ctx: Context): Promise<{ peers: Relation; state: TlsState }> {
  if (!await ctx.isLeader()) throw new ValueError(TEXT.leaderOnly);
  const [peers] = await ctx.relations();
  const state = peers && await tlsState(peers);
  if (!peers || !state) throw new ValueError(TEXT.notSetUp);
  return { peers, state };
}

async function beginAuthority(ctx: Context, peers: Relation, state: TlsState, identities: Identities): Promise<void> {
  const next = await createAuthority({ name: ORGANISATION, days: AUTHORITY_DAYS });
  const trust = joinPem(identities.authority.certificate, next.certificate);
  write(ctx, peers, { ...state, version: state.version + 1, phase: "trust", trust }, { ...identities, next });
}

async function advance(ctx: Context, peers: Relation, state: TlsState, identities: Identities): Promise<void> {
  const version = state.version + 1;
  const { authority, client, next } = identities;
  if (state.phase === "trust" && next) {
    const renewed = { version, authority: next, client: await newClient(next) };
    write(ctx, peers, { ...state, version, phase: "leaves", leavesSince: version }, renewed);
    return;
  }
  write(ctx, peers, { ...state, version, phase: "", trust: authority.certificate }, { version, authority, client });
}

function write(ctx: Context, peers: Relation, state: TlsState, identities: Identities): void {
  const current = { ...identities, version: state.version };
  if (state.secret === undefined) keepInBag(ctx, peers, current);
  else ctx.secrets.set(state.secret, contentOf(current));
  peers.localApp.set(writeTlsState({ ...state, reachedAt: 0 }));
}

function newClient(authority: Identity): Promise<Identity> {
  return issue(authority, { subject: { o: `${ORGANISATION} client` }, usage: ["client"], days: CLIENT_DAYS });
}

function contentOf({ version, authority, client, next }: Identities): Record<string, string> {
  return {
    "for-version": String(version),
    "ca-cert": authority.certificate,
    "ca-key": authority.key,
    "client-cert": client.certificate,
    "client-key": client.key,
    ...(next ? { "next-cert": next.certificate, "next-key": next.key } : {}),
  };
}

function keepInBag(ctx: Context, peers: Relation, identities: Identities): void {
  const content = contentOf(identities);
  for (const [key, value] of Object.entries(content)) if (key.endsWith("-key")) ctx.mask(value);
  peers.localApp.set({ [IDENTITIES_KEY]: JSON.stringify(content) });
}

function joinPem(...certificates: readonly string[]): string {
  return certificates.map((each) => `${each.trimEnd()}\n`).join("");
}
