/**
 * Checks client credentials and saves them in files.
 *
 * @module
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { ValueError } from "../../hooks/errors.ts";

/** Where credentials are saved. */
export interface CredentialFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** Credentials as PEM text; null where there is none. */
export interface PemSet {
  readonly clientCert: string | null;
  readonly clientKey: string | null;
  readonly clientCa: string | null;
}

const OWNER_ONLY = 0o600;
const OWNER_DIRECTORY = 0o700;
/** More certificates than this are no chain. */
const MAX_CERTIFICATES = 32;
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Saves a set of credentials, all or nothing as far as files allow: each is written beside its place and then moved.
 *
 * @param now milliseconds since 1970, for the certificates' validity
 * @returns whether a file changed
 * @throws {ValueError} when the set is not complete, does not parse, does not belong together or has expired
 */
export async function saveCredentials(pem: PemSet, files: CredentialFiles, now: number): Promise<boolean> {
  const { clientKey, clientCert, clientCa } = pem;
  if (clientKey === null || clientCert === null || clientCa === null) {
    const missing = [["key", clientKey], ["certificate", clientCert], ["authority", clientCa]]
      .filter(([, value]) => value === null).map(([name]) => name);
    throw new ValueError(`etcd has not sent its client ${missing.join(", ")}; wait for the provider`);
  }
  checkCredentials({ clientKey, clientCert, clientCa }, now);
  const contents = [[files.key, clientKey], [files.cert, clientCert], [files.ca, clientCa]] as const;
  const paths = new Set(contents.map(([path]) => resolve(path)));
  if (paths.size < contents.length) throw new ValueError("key, certificate and authority need three different files");
  const stale: (readonly [path: string, content: string])[] = [];
  for (const [path, content] of contents) if (!await isSaved(path, content)) stale.push([path, content]);
  await replaceFiles(stale);
  return stale.length > 0;
}

function checkCredentials(pem: { clientKey: string; clientCert: string; clientCa: string }, now: number): void {
  const [client] = certificates("client certificate", pem.clientCert, now);
  certificates("certificate authority", pem.clientCa, now);
  const key = privateKey(pem.clientKey);
  if (!client?.checkPrivateKey(key)) throw new ValueError("etcd's client key is not the key of its client certificate");
}

function certificates(what: string, pem: string, now: number): X509Certificate[] {
  const blocks = pem.match(CERTIFICATES) ?? [];
  if (blocks.length === 0) throw new ValueError(`etcd's ${what} is no PEM certificate; fix the provider`);
  if (blocks.length > MAX_CERTIFICATES) throw new ValueError(`etcd's ${what} has ${blocks.length} certificates`);
  return blocks.map((block) => {
    const certificate = parsed(what, () => new X509Certificate(block));
    if (!(now < Date.parse(certificate.validTo))) {
      throw new ValueError(`etcd's ${what} expired on ${certificate.validTo}; renew it at the provider`);
    }
    return certificate;
  });
}

function privateKey(pem: string): KeyObject {
  return parsed("client key", () => createPrivateKey(pem));
}

/** The parser's own message is left out: it may repeat what it was given. */
function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new ValueError(`etcd's ${what} cannot be read; it may be cut short: fix the provider`);
  }
}

async function isSaved(path: string, content: string): Promise<boolean> {
  try {
    const [text, { mode, isFile }] = await Promise.all([Deno.readTextFile(path), Deno.lstat(path)]);
    return text === content && isFile && (mode ?? 0) % 0o1000 === OWNER_ONLY;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function replaceFiles(files: readonly (readonly [path: string, content: string])[]): Promise<void> {
  const written: (readonly [temporary: string, path: string])[] = [];
  try {
    for (const [path, content] of files) {
      await Deno.mkdir(dirname(path), { recursive: true, mode: OWNER_DIRECTORY });
      const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}`);
      written.push([temporary, path]);
      await Deno.writeTextFile(temporary, content, { mode: OWNER_ONLY, createNew: true });
    }
    for (const [temporary, path] of written) await Deno.rename(temporary, path);
  } finally {
    for (const [temporary] of written) await Deno.remove(temporary).catch(() => {});
  }
}
