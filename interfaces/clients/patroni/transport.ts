/**
 * Requests to one Patroni: bounded in time and size, repeated only where that does no harm.
 *
 * @module
 */
import { CertificateError, type ClientError, ClientTimeoutError, InputError, UnreachableError } from "../errors.ts";
import type { TlsOptions } from "../etcd/pem.ts";
import { exchange, type HttpReply, type HttpRequest, TransportFailure } from "../http/exchange.ts";
import { createHttpClient } from "../http/http_client.ts";
import type { JsonObject } from "../http/json.ts";
import { sendOnce } from "../http/send_once.ts";

/** How Patroni's REST API is spoken to. */
export type Scheme = "https" | "http";

/** What a transport is made of. */
export interface TransportOptions {
  readonly address: string;
  readonly port: number;
  readonly schemes: readonly Scheme[];
  readonly tls: TlsOptions;
  readonly auth: { readonly user: string; readonly password: string } | undefined;
  /** How often a read is sent at most. */
  readonly tries: number;
  readonly maxReplyBytes: number;
}

/** A write. */
export interface Write {
  readonly method: "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body: JsonObject;
}

/** Requests to one Patroni. */
export interface Transport {
  /** The scheme that answered last, else the first. */
  scheme(): Scheme;
  /** @param timeoutMs milliseconds, all tries together */
  read(path: string, timeoutMs: number): Promise<HttpReply>;
  /** Sends it once. */
  write(write: Write, timeoutMs: number): Promise<HttpReply>;
  close(): void;
}

const SERVER = "Patroni's REST API";
const PAUSE_MS = 100;
const HOST = /^[A-Za-z0-9._-]{1,253}$|^[0-9A-Fa-f:.]{2,45}$/;

/**
 * Makes a transport; nothing is sent yet.
 *
 * @throws {InputError} when address, port or certificates cannot be used
 */
export function createTransport(options: TransportOptions): Transport {
  const { address, port, schemes, auth, tries, maxReplyBytes } = options;
  if (!HOST.test(address) || !Number.isInteger(port) || port < 1 || port > 65535 || schemes.length === 0) {
    throw new InputError("Patroni's address or port cannot be used; give a host name or IP address and a port");
  }
  const http = createHttpClient(options.tls);
  const host = address.includes(":") ? `[${address}]` : address;
  const authorization = auth && `Basic ${new TextEncoder().encode(`${auth.user}:${auth.password}`).toBase64()}`;
  let order = [...schemes];
  let known = schemes.length === 1;

  const send = async (scheme: Scheme, request: Omit<HttpRequest, "endpoint" | "server">, ms: number) => {
    const whole = { endpoint: `${scheme}://${host}:${port}`, server: SERVER, ...request };
    const bounds = { http, tls: options.tls, signal: AbortSignal.timeout(Math.max(1, ms)), maxReplyBytes };
    const reply = await (request.body === undefined ? exchange(whole, bounds) : sendOnce(whole, bounds));
    order = [scheme, ...order.filter((other) => other !== scheme)];
    known = true;
    return reply;
  };

  const failure = (error: unknown, scheme: Scheme, timeoutMs: number): ClientError => {
    if (!(error instanceof TransportFailure)) throw error;
    const attempts = [{ endpoint: `${scheme}://${host}:${port}`, reason: error.reason }];
    if (error.kind === "timeout") return new ClientTimeoutError(timeoutMs, attempts);
    return error.kind === "certificate" ? new CertificateError(attempts) : new UnreachableError(attempts);
  };

  const read = async (path: string, timeoutMs: number): Promise<HttpReply> => {
    const end = Date.now() + timeoutMs;
    for (let round = 1;; round++) {
      let last: ClientError | undefined;
      for (const [index, scheme] of [...order].entries()) {
        try {
          // The last try may use all the time that is left: a member that only works slowly still answers.
          const left = end - Date.now();
          return await send(scheme, { path }, left / (order.length - index));
        } catch (error) {
          const wrongScheme = error instanceof TransportFailure && speaksOtherwise(error);
          const failed = failure(error, scheme, timeoutMs);
          last ??= failed;
          if (!wrongScheme) {
            last = failed;
            break;
          }
        }
      }
      const tryAgain = last instanceof UnreachableError && round < tries && Date.now() + PAUSE_MS < end;
      if (last && !tryAgain) throw last;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };

  return {
    scheme: () => order[0] ?? "https",
    read,
    async write({ method, path, body }, timeoutMs) {
      const end = Date.now() + timeoutMs;
      // The password goes only to where a server has answered in the scheme that is right now.
      if (!known) await read("/liveness", timeoutMs);
      const [scheme = "https"] = order;
      try {
        // Patroni refuses some requests that have no body at all.
        return await send(scheme, { method, path, body: JSON.stringify(body), authorization }, end - Date.now());
      } catch (error) {
        const failed = failure(error, scheme, timeoutMs);
        const { kind } = error as TransportFailure;
        failed.outcomeUnknown = kind === "broken" || kind === "timeout";
        throw failed;
      }
    },
    close: () => http.close(),
  };
}

/** Whether a failure may come from speaking https to an http server or the other way round. */
function speaksOtherwise({ kind, reason }: TransportFailure): boolean {
  return kind === "broken" || kind === "timeout" || reason === "it does not speak TLS" || reason === "no connection";
}
