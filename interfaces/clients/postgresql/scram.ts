/**
 * The form in which PostgreSQL keeps a password, made here: then the server never sees the password, nor its log.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** PostgreSQL's own values. */
const ITERATIONS = 4096;
const SALT_BYTES = 16;
const KEY_BITS = 256;

/**
 * A verifier for `ALTER ROLE … PASSWORD`, as `password_encryption = scram-sha-256` makes it (RFC 5802 and 7677).
 *
 * @param password 1 to 256 printable ASCII characters: others mean different bytes to different clients
 * @param salt random without it
 * @throws {InputError} for another password; it is not repeated
 */
export async function scramVerifier(
  password: string,
  salt: Uint8Array<ArrayBuffer> = crypto.getRandomValues(new Uint8Array(SALT_BYTES)),
  iterations = ITERATIONS,
): Promise<string> {
  if (!/^[\x20-\x7e]{1,256}$/.test(password)) {
    throw new InputError("a password has 1 to 256 letters, digits, blanks and punctuation of ASCII; choose another");
  }
  const material = await crypto.subtle.importKey("raw", bytes(password), "PBKDF2", false, ["deriveBits"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  const salted = new Uint8Array(await crypto.subtle.deriveBits(derivation, material, KEY_BITS));
  const stored = new Uint8Array(await crypto.subtle.digest("SHA-256", await hmac(salted, "Client Key")));
  const server = await hmac(salted, "Server Key");
  return `SCRAM-SHA-256$${iterations}:${salt.toBase64()}$${stored.toBase64()}:${server.toBase64()}`;
}

async function hmac(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes(text)));
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
