/**
 * Deno's HTTP clients with certificates of their own.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { checkTls, type TlsOptions } from "../etcd/pem.ts";

/**
 * Makes a client; the caller closes it.
 *
 * @throws {InputError} when the certificates cannot be used
 */
export function createHttpClient(tls: TlsOptions): Deno.HttpClient {
  checkTls(tls);
  const { ca, cert, key } = tls;
  const identity = cert !== undefined && key !== undefined ? { cert, key } : {};
  try {
    return Deno.createHttpClient({ ...(ca === undefined ? {} : { caCerts: [ca] }), ...identity });
  } catch {
    // Deno's own words may repeat what it was given.
    throw new InputError("the certificates cannot be used for TLS; get them from the provider again");
  }
}
