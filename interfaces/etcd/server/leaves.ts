/**
 * A unit's certificates on disk: for its member as a server and among the others, and the clients' shared identity, with
 * which the charm itself asks its member too.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import type { Relation } from "../../../hooks/relation.ts";
import { certificateFacts, type Identity, issue, type IssueOptions } from "../../clients/certificates/authority.ts";
import type { TlsOptions } from "../../clients/etcd/pem.ts";
import { isThere, type Owner, writeFileAtomically } from "../../clients/files.ts";
import { readIdentities } from "./authority.ts";
import { certificateFiles } from "./config_file.ts";
import { type Memory, remember } from "./memory.ts";
import type { Paths, Place } from "./place.ts";
import type { TlsState } from "./tls_state.ts";

const LEAF_DAYS = 365;
const RENEW_MS = 30 * 24 * 3600 * 1000;
const OWNER_ONLY = 0o600;
const PART = /-----BEGIN (CERTIFICATE|PRIVATE KEY)-----[^-]+-----END \1-----\n?/g;

/** Whether the certificates on disk are those of the state, for the place's addresses, and valid for a while. */
export function leavesFit(memory: Memory, place: Place, state: TlsState, now: number): boolean {
  const { leaves } = memory;
  return leaves?.version === state.version && leaves.names === namesOf(place) && now < leaves.renewAt;
}

/**
 * Writes the certificates that are missing or no longer fit.
 *
 * @returns false while the leader's secret cannot be read yet
 */
export async function ensureLeaves(
  ctx: Context,
  peers: Relation,
  memory: Memory,
  place: Place,
  state: TlsState,
  owner: Owner | undefined,
): Promise<boolean> {
  const files = certificateFiles(place.tlsDirectory);
  const areThere = (await Promise.all(Object.values(files).map(isThere))).every((there) => there);
  if (areThere && leavesFit(memory, place, state, ctx.now())) return true;
  const identities = await readIdentities(ctx, peers, state);
  if (!identities) return false;
  const access = { mode: OWNER_ONLY, ...(owner ? { owner } : {}) };
  await writeFileAtomically(files.ca, state.trust, access);
  await writeFileAtomically(files.client, join(identities.client), { mode: OWNER_ONLY });
  let { renewAt = 0 } = memory.leaves ?? {};
  const names = namesOf(place);
  const isOld = (memory.leaves?.version ?? 0) < state.leavesSince || memory.leaves?.names !== names;
  if (!areThere || isOld || ctx.now() >= renewAt) {
    // etcd's gateway asks its own server as a client, and members ask each other: each is both.
    const options: IssueOptions = {
      addresses: place.addresses,
      names: place.names,
      usage: ["server", "client"],
      days: LEAF_DAYS,
    };
    for (const file of [files.server, files.peer]) {
      const leaf = await issue(identities.authority, options);
      await writeFileAtomically(file, join(leaf), access);
      renewAt = certificateFacts(leaf.certificate).notAfter - RENEW_MS;
    }
  }
  remember(ctx, { leaves: { version: state.version, names, renewAt } });
  return true;
}

/** The identity that the charm uses and hands to clients; undefined before it is on disk. */
export async function readClient(paths: Paths): Promise<Required<TlsOptions> | undefined> {
  const files = certificateFiles(paths.tlsDirectory);
  try {
    const [ca, both] = await Promise.all([Deno.readTextFile(files.ca), Deno.readTextFile(files.client)]);
    const parts = [...both.matchAll(PART)];
    const of = (kind: string) => parts.filter(([, found]) => found === kind).map(([text]) => text).join("");
    return { ca, cert: of("CERTIFICATE"), key: of("PRIVATE KEY") };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function namesOf({ addresses, names }: Place): string {
  return [...addresses, ...names].sort().join(",");
}

function join({ certificate, key }: Identity): string {
  return `${certificate.trimEnd()}\n${key.trimEnd()}\n`;
}
