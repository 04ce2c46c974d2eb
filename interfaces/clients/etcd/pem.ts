/**
 * Checks of PEM text before Deno's TLS gets it: a key that does not belong to its certificate, or a certificate that
 * rustls cannot read, would end the whole process (Deno 2.7: `invalid client key or certificate`).
 *
 * @module
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { InputError } from "../errors.ts";
import { isOneSequence, whyUnusable } from "./der.ts";

/** The certificates of a connection, as PEM text. */
export interface TlsOptions {
  /** The authority that signed the servers' certificates; without it those of the system count. */
  readonly ca?: string;
  /** The client's certificate and key: both or none. */
  readonly cert?: string;
  readonly key?: string;
}

/** What a PEM text is meant to hold. */
export type PemKind = "certificates" | "private key";

const MAX_LENGTH = 256 * 1024;
const MAX_BLOCKS = 100;
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*)-----END \1-----/g;
const KEY_LABELS: readonly string[] = ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"];
/** `openssl ecparam -genkey` writes it in front of the key; TLS skips it. */
const IGNORED_LABEL = "EC PARAMETERS";
const CURVES: readonly (string | undefined)[] = ["prime256v1", "secp384r1", "secp521r1"];
const MIN_RSA_BITS = 2048;

/**
 * Checks that a text is PEM: complete BEGIN and END pairs around base64 of whole DER values, and nothing too large.
 *
 * @param what names the text in the error, such as `client certificate`
 * @returns the DER values in order
 * @throws {InputError} that says what is wrong, without any of the text
 */
export function checkPem(what: string, text: string, kind: PemKind): readonly Uint8Array<ArrayBuffer>[] {
  const refuse = (why: string): InputError => new InputError(`the ${what} ${why}; get it from the provider again`);
  if (text.trim() === "") throw refuse("is empty");
  if (text.length > MAX_LENGTH) throw refuse(`has ${text.length} characters, at most ${MAX_LENGTH} are read`);
  const blocks = [...text.matchAll(BLOCK)];
  const begins = text.split("-----BEGIN ").length - 1;
  if (begins !== blocks.length || begins !== text.split("-----END ").length - 1) {
    throw refuse("has a BEGIN without its END; it is cut short or mixed up");
  }
  if (blocks.length > MAX_BLOCKS) throw refuse(`has ${blocks.length} PEM blocks, at most ${MAX_BLOCKS} are read`);
  const labels: readonly string[] = kind === "certificates" ? ["CERTIFICATE"] : KEY_LABELS;
  const values: Uint8Array<ArrayBuffer>[] = [];
  for (const [, label = "", body = ""] of blocks) {
    if (label === IGNORED_LABEL && kind === "private key") continue;
    if (label === "ENCRYPTED PRIVATE KEY" || body.includes(":")) throw refuse("is encrypted; it has to be plain");
    if (!labels.includes(label)) throw refuse(`has a block of another kind than ${labels.join(" or ")}`);
    const der = decode(body);
    if (!der || !isOneSequence(der)) throw refuse("has a block that is no base64 of a whole DER value; it is damaged");
    values.push(der);
  }
  if (values.length === 0) throw refuse(`has no PEM block of the kind ${labels.join(" or ")}`);
  if (kind === "private key" && values.length > 1) throw refuse("has more than one private key");
  return values;
}

/**
 * Checks the certificates of a connection, also that the key is the certificate's.
 *
 * @throws {InputError} that says what is wrong, without any key material
 */
export function checkTls({ ca, cert, key }: TlsOptions): void {
  if (ca !== undefined) {
    for (const der of checkPem("certificate authority", ca, "certificates")) parseCertificate("authority", der);
  }
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined) {
    throw new InputError("a client certificate and its key belong together: give both or none");
  }
  const [first] = checkPem("client certificate", cert, "certificates").map((der) => parseCertificate("client", der));
  checkPem("client key", key, "private key");
  const parsed = parseKey(key);
  if (!first?.checkPrivateKey(parsed)) {
    throw new InputError("the client key is not the key of the client certificate; get both from the provider again");
  }
}

function decode(body: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(body);
  } catch {
    return undefined;
  }
}

function parseCertificate(whose: string, der: Uint8Array<ArrayBuffer>): X509Certificate {
  const why = whyUnusable(der);
  if (why !== undefined) throw new InputError(`the ${whose} certificate ${why}; get another from the provider`);
  try {
    return new X509Certificate(der);
  } catch {
    throw new InputError(`the ${whose} certificate cannot be read; get it from the provider again`);
  }
}

function parseKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new InputError("the client key cannot be read; get it from the provider again");
  }
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const usable = key.asymmetricKeyType === "ed25519" ||
    (key.asymmetricKeyType === "ec" && CURVES.includes(namedCurve)) ||
    (key.asymmetricKeyType === "rsa" && modulusLength >= MIN_RSA_BITS);
  if (usable) return key;
  throw new InputError("the client key is of a kind that is not supported: use EC P-256, P-384, RSA 2048 or Ed25519");
}
