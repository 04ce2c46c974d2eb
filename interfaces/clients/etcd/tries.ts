/**
 * Failed tries at single endpoints, and the one error that all of them make.
 *
 * @module
 */
import {
  type Attempt,
  CertificateError,
  ClientError,
  ClientTimeoutError,
  ReplyError,
  UnreachableError,
} from "../errors.ts";
import { type Next, noQuorum } from "./answer.ts";
import { askForAlert, TransportFailure, type TransportKind } from "../http/exchange.ts";
import type { TlsOptions } from "./pem.ts";

/** One failed try at one endpoint. */
export interface Try {
  readonly endpoint: string;
  readonly reason: string;
  readonly next: Next;
  /** The server's own error; absent when there was no reply. */
  readonly error?: ClientError;
  readonly kind?: TransportKind;
}

/** Milliseconds for the question why a server closed the connection. */
const ALERT_MS = 500;

/** Tells a failed try from a reply. */
export function isTry(result: object): result is Try {
  const { endpoint, next, reason } = result as Partial<Try>;
  return typeof endpoint === "string" && typeof next === "string" && typeof reason === "string";
}

/**
 * What the failure of one request means.
 *
 * @throws whatever is neither a failure of the connection nor of the reply
 */
export async function failedTry(endpoint: string, error: unknown, tls: TlsOptions): Promise<Try> {
  if (error instanceof ClientError) {
    return { endpoint, reason: error.message, next: error instanceof ReplyError ? "unknown" : "stop", error };
  }
  if (!(error instanceof TransportFailure)) throw error;
  const { kind, reason } = error;
  if (kind === "broken" && endpoint.startsWith("https:")) {
    const alert = await askForAlert(endpoint, tls, ALERT_MS);
    if (alert !== undefined) return { endpoint, reason: alert, next: "again", kind: "certificate" };
  }
  const hint = kind === "broken" && endpoint.startsWith("http:") ? "; if it speaks TLS, use https" : "";
  const next = kind === "unsent" || kind === "certificate" ? "again" : "unknown";
  return { endpoint, reason: reason + hint, next, kind };
}

/** Whether trying again within the next seconds is no use. */
export function areHopeless(tries: Iterable<Try>): boolean {
  return [...tries].every(({ kind, error }) =>
    kind === "unsent" || kind === "certificate" || error instanceof ReplyError
  );
}

/**
 * The one error of failed tries: what a server said goes first, then that servers were too slow, then certificates.
 *
 * @param findLeaderless looks for a member that is alive but has no leader; asked when nobody answered in time
 */
export async function explainTries(
  tries: readonly Try[],
  timeoutMs: number,
  findLeaderless: () => Promise<string | undefined>,
): Promise<ClientError> {
  const said = tries.find(({ error }) => error)?.error;
  if (said) return said;
  const attempts: Attempt[] = tries.map(({ endpoint, reason }) => ({ endpoint, reason }));
  if (tries.length === 0 || tries.some(({ kind }) => kind === "timeout")) {
    const leaderless = await findLeaderless();
    return leaderless ? noQuorum(`${leaderless} has no leader`) : new ClientTimeoutError(timeoutMs, attempts);
  }
  if (tries.some(({ kind }) => kind === "certificate")) return new CertificateError(attempts);
  return new UnreachableError(attempts);
}
