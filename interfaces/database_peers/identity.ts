/**
 * This unit's certificate, from the application's own authority: the leader makes that, each unit signs for itself.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { Relation } from "../../hooks/relation.ts";
import type { TlsTexts } from "../clients/patroni/tls_files.ts";
import { isIpAddress } from "../databag.ts";
import { readValues, writeValues } from "./vault.ts";

const AUTHORITY_DAYS = 3650;
const DAYS = 365;
const RENEWED_BEFORE_MS = 30 * 24 * 3600 * 1000;

/** The authority that signed every unit's certificate; undefined when there is none yet. */
export async function authorityOf(ctx: Context, relation: Relation): Promise<string | undefined> {
  return (await readValues(ctx, relation, "application"))["ca-certificate"];
}

/** Makes the authority when there is none. The leader calls it; nobody uses it before this hook has committed. */
export async function ensureAuthority(ctx: Context, relation: Relation): Promise<boolean> {
  const values = await readValues(ctx, relation, "application");
  if (values["ca-certificate"] !== undefined && values["ca-key"] !== undefined) return false;
  const { createAuthority } = await import("../clients/certificates/authority.ts");
  const { certificate, key } = await createAuthority({ name: ctx.application.slice(0, 50), days: AUTHORITY_DAYS });
  await writeValues(ctx, relation, "application", { "ca-certificate": certificate, "ca-key": key });
  return true;
}

/**
 * This unit's key, certificate and authority.
 *
 * @param options.make whether a missing, old or foreign certificate is made; `anew`: also when there is a good one
 * @returns undefined while not all three are there
 */
export async function identityOf(
  ctx: Context,
  relation: Relation,
  address: string,
  { make }: { readonly make: boolean | "anew" },
): Promise<TlsTexts | undefined> {
  const [shared, own] = [await readValues(ctx, relation, "application"), await readValues(ctx, relation, "unit")];
  const { "ca-certificate": certificate, "ca-key": authorityKey } = shared;
  const known = own.key && own.cert && own.ca ? { key: own.key, cert: own.cert, ca: own.ca } : undefined;
  if (certificate === undefined || authorityKey === undefined) return known;
  if (make !== "anew" && known && known.ca === certificate && await isGood(known.cert, address)) return known;
  if (!make) return known;
  const { issue } = await import("../clients/certificates/authority.ts");
  const place = isIpAddress(address) ? { addresses: [address] } : { names: [address] };
  const made = await issue({ certificate, key: authorityKey }, { ...place, usage: ["server", "client"], days: DAYS });
  const identity = { key: made.key, cert: made.certificate, ca: certificate };
  await writeValues(ctx, relation, "unit", identity);
  return identity;
}

/** Forgets this unit's certificate: TLS is to be off, or another one is to be made. */
export async function forgetIdentity(ctx: Context, relation: Relation): Promise<void> {
  const own = await readValues(ctx, relation, "unit");
  if (Object.keys(own).length === 0) return;
  await writeValues(ctx, relation, "unit", { key: undefined, cert: undefined, ca: undefined });
}

async function isGood(certificate: string, address: string): Promise<boolean> {
  const { certificateFacts, expiresWithin } = await import("../clients/certificates/authority.ts");
  const { sans } = certificateFacts(certificate);
  return sans.some((san) => san === `IP:${address}` || san === `DNS:${address}`) &&
    !expiresWithin(certificate, RENEWED_BEFORE_MS);
}
