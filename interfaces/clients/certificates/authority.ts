/**
 * A certificate authority of one's own: keys are made in this process, openssl makes the certificates. Keys reach
 * openssl by its standard input only, never by a file, an argument or the environment.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { InputError } from "../errors.ts";
import { checkPem } from "../etcd/pem.ts";
import { whyUnusable } from "../etcd/der.ts";
import { capture } from "../run.ts";
import { type Extensions, opensslConfig, opensslTime } from "./config.ts";

/** A certificate and its key, as PEM: EC P-256, PKCS#8. The key is a secret. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate shall say. */
export interface IssueOptions {
  /** Organisation and common name; no common name unless given, and the authority's organisation. */
  readonly subject?: { readonly o?: string; readonly cn?: string };
  /** IPv4 and IPv6 addresses. */
  readonly addresses?: readonly string[];
  /** DNS names; the first label may be `*`. */
  readonly names?: readonly string[];
  readonly usage: readonly ("server" | "client")[];
  /** Days until it expires, also a fraction of one; never longer than the authority. */
  readonly days: number;
}

/** What a certificate says. */
export interface CertificateFacts {
  /** Milliseconds since 1970, as of `Date.now()`. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Such as `O=etcd, CN=x`. */
  readonly subject: string;
  /** Such as `IP:10.0.0.1`, `IP:fd00::1` and `DNS:host`. */
  readonly sans: string[];
  /** SHA-256 of the certificate, in capital hex digits with colons. */
  readonly fingerprint256: string;
}

const TEXT = /^[A-Za-z0-9](?:[A-Za-z0-9 ._:@-]*[A-Za-z0-9])?$/;
/** X.520 allows no more in an organisation or common name. */
const MAX_TEXT = 64;
/** What makes an authority's common name differ from everything that it signs for. */
const AUTHORITY_SUFFIX = " authority";
const DNS_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i;
const MAX_NAME = 253;
const MAX_SANS = 200;
const MAX_DAYS = 36_500;
const DAY_MS = 24 * 3600 * 1000;
/** Clocks of machines differ. */
const BACKDATED_MS = 5 * 60 * 1000;
const SERIAL_BYTES = 16;
/** Milliseconds for a key or a signature. */
const OPENSSL_MS = 60_000;

/**
 * Makes a certificate authority that may sign servers and clients, but no other authority.
 *
 * @param options.name its organisation, and part of its common name: 1 to 54 letters, digits, spaces and . _ : @ -
 * @throws {InputError} for a name or number of days that cannot be used, and without openssl
 */
export async function createAuthority({ name, days }: { name: string; days: number }): Promise<Identity> {
  const subject = {
    o: text("name of the authority", name),
    cn: text("name of the authority", name + AUTHORITY_SUFFIX),
  };
  return await make({ subject, sans: [], usage: "authority" }, lifetime(days));
}

/**
 * Makes a certificate and its key, signed by an authority.
 *
 * @throws {InputError} for what cannot be in a certificate, and for an authority that is damaged or has expired
 */
export async function issue(authority: Identity, options: IssueOptions): Promise<Identity> {
  const { subject = {}, addresses = [], names = [], usage, days } = options;
  if (usage.length === 0) throw new InputError("a certificate is for a server, a client or both");
  const signer = certificateFacts(authority.certificate);
  const dates = lifetime(days);
  const notAfter = new Date(Math.min(dates.notAfter.getTime(), signer.notAfter));
  if (notAfter.getTime() <= Date.now()) throw new InputError("the authority has expired: make another");
  const o = subject.o ?? /^O=([^,]+)/.exec(signer.subject)?.[1] ?? "charmlet";
  const sans = [...addresses.map(addressSan), ...names.map(nameSan)];
  if (sans.length > MAX_SANS) throw new InputError(`a certificate has at most ${MAX_SANS} addresses and names`);
  const extensions: Extensions = {
    subject: { o: text("organisation", o), ...(subject.cn !== undefined && { cn: text("common name", subject.cn) }) },
    sans: [...new Set(sans)],
    usage,
  };
  return await make(extensions, { ...dates, notAfter }, authority);
}

/**
 * What a certificate says; of several the first.
 *
 * @throws {InputError} for anything that is not a certificate
 */
export function certificateFacts(pem: string): CertificateFacts {
  const [der] = checkPem("certificate", pem, "certificates");
  const why = der ? whyUnusable(der) : "is empty";
  if (!der || why !== undefined) throw new InputError(`the certificate ${why}; get another`);
  let facts: CertificateFacts;
  try {
    facts = read(new X509Certificate(der));
  } catch {
    throw unreadable();
  }
  if (!Number.isFinite(facts.notBefore) || !Number.isFinite(facts.notAfter)) throw unreadable();
  return facts;
}

/**
 * Whether a certificate has expired or will have within this time.
 *
 * @throws {InputError} for anything that is not a certificate
 */
export function expiresWithin(pem: string, ms: number): boolean {
  return certificateFacts(pem).notAfter - Date.now() <= ms;
}

async function make(
  extensions: Extensions,
  { notBefore, notAfter }: { notBefore: Date; notAfter: Date },
  authority?: Identity,
): Promise<Identity> {
  const key = await createKey();
  const directory = await Deno.makeTempDir({ prefix: "charmlet-" });
  try {
    const files: Readonly<Record<string, string>> = {
      "openssl.cnf": opensslConfig(directory, extensions),
      "index.txt": "",
      "index.txt.attr": "unique_subject = no\n",
      "serial": `${serial()}\n`,
      ...(authority && { "signer.pem": authority.certificate }),
    };
    for (const [name, content] of Object.entries(files)) await Deno.writeTextFile(`${directory}/${name}`, content);
    const config = ["-config", `${directory}/openssl.cnf`];
    const request = `${directory}/request.pem`;
    await openssl(["req", ...config, "-new", "-sha256", "-key", "/dev/stdin", "-out", request], key);
    const signer = authority ? ["-cert", `${directory}/signer.pem`] : ["-selfsign"];
    const dates = ["-startdate", opensslTime(notBefore), "-enddate", opensslTime(notAfter)];
    const output = ["-in", request, "-out", `${directory}/certificate.pem`, "-notext", "-batch"];
    await openssl(["ca", ...config, ...signer, "-keyfile", "/dev/stdin", ...dates, ...output], authority?.key ?? key);
    return { certificate: await Deno.readTextFile(`${directory}/certificate.pem`), key };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function createKey(): Promise<string> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

/** Random and positive: the first bit is 0, the second 1. */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SERIAL_BYTES));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toHex().toUpperCase();
}

function lifetime(days: number): { notBefore: Date; notAfter: Date } {
  if (!(days > 0 && days <= MAX_DAYS)) throw new InputError(`a certificate is for more than 0 and ${MAX_DAYS} days`);
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + days * DAY_MS) };
}

function text(what: string, value: string): string {
  if (value.length <= MAX_TEXT && TEXT.test(value)) return value;
  throw new InputError(
    `the ${what} of a certificate may have letters, digits, spaces and . _ : @ - only, and is short`,
  );
}

function addressSan(address: string): string {
  if (isIP(address) === 0 || address.includes("%")) throw new InputError(`${JSON.stringify(address)} is no IP address`);
  return `IP:${address}`;
}

function nameSan(name: string): string {
  if (name.length > MAX_NAME || !DNS_NAME.test(name) || isIP(name) !== 0) {
    throw new InputError(`${JSON.stringify(name.slice(0, MAX_NAME))} is no DNS name`);
  }
  return `DNS:${name}`;
}

/** What is damaged shows only when it is read. */
function read(certificate: X509Certificate): CertificateFacts {
  return {
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    subject: (certificate.subject ?? "").split("\n").join(", "),
    sans: parseSans(certificate.subjectAltName ?? ""),
    fingerprint256: certificate.fingerprint256,
  };
}

function unreadable(): InputError {
  return new InputError("the certificate cannot be read; get another");
}

/** `IP Address:10.0.0.1, DNS:host`; what needs quotes there is none of ours. */
function parseSans(text: string): string[] {
  if (text === "") return [];
  return text.split(", ").map((san) => san.replace(/^IP Address:/, "IP:"));
}

/** What openssl says about a key could have parts of it: only its last line of plain text is shown. */
async function openssl(args: readonly string[], key: string): Promise<void> {
  const { code, stderr } = await capture("openssl", args, { input: key, timeoutMs: OPENSSL_MS });
  if (code === 0) return;
  const why = stderr.trim().split("\n").findLast((line) => /error:/.test(line))?.split(":").slice(2).join(":") ?? "";
  throw new InputError(`openssl ${args[0]} failed (${why.slice(0, 200)}): check the authority's certificate and key`);
}
