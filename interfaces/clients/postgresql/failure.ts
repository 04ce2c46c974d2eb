/**
 * What went wrong with a connection or query, in words of ours: the server's may repeat a statement or a password.
 *
 * @module
 */
import {
  AuthenticationError,
  CertificateError,
  ClientError,
  ClientTimeoutError,
  MissingError,
  NotPermittedError,
  RefusedError,
  ReplyError,
  UnreachableError,
} from "../errors.ts";

/** What an error is told about. */
export interface Circumstances {
  /** Such as `10.0.0.1:5432`. */
  readonly endpoint: string;
  readonly timeoutMs: number;
}

/** SQLSTATE codes, by their meaning for the caller. */
const WRONG_LOGIN: readonly string[] = ["28P01", "28000"];
const MISSING: readonly string[] = ["42704", "3D000"];
const NOT_SERVING: Readonly<Record<string, string>> = {
  "57P03": "it is starting or stopping",
  "57P01": "it is being shut down",
  "57P02": "it has crashed",
  "53300": "it has no connection left",
};
const CANCELLED = "57014";
const NOT_PERMITTED = "42501";
const READ_ONLY = "25006";

/** Errors of the system's calls. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOENT: "its socket is not there",
  EACCES: "its socket may not be used",
  EHOSTUNREACH: "no route to it",
  ENETUNREACH: "no route to it",
  ENOTFOUND: "its name cannot be resolved",
  ECONNRESET: "it closed the connection",
  EPIPE: "it closed the connection",
  CONNECTION_CLOSED: "it closed the connection",
  CONNECTION_ENDED: "the connection is closed",
  CONNECTION_DESTROYED: "the connection is closed",
};

const CERTIFICATE = /certificate|UnknownIssuer|NotValidForName|UnknownCA|self.signed/i;

/** The typed error for what the driver threw; an error that is one already stays. */
export function explainFailure(error: unknown, { endpoint, timeoutMs }: Circumstances): Error {
  if (error instanceof ClientError) return error;
  // Our own permissions are no fault of the server.
  if (error instanceof Deno.errors.NotCapable) return error;
  const { code = "", message = "" } = error as { code?: string; message?: string };
  const attempt = (reason: string) => [{ endpoint, reason }];
  if (WRONG_LOGIN.includes(code)) {
    const hint = "check user, password and pg_hba.conf, and whether it wants TLS";
    return new AuthenticationError(`PostgreSQL at ${endpoint} does not let the user in; ${hint}`);
  }
  if (code === NOT_PERMITTED) {
    return new NotPermittedError(`PostgreSQL at ${endpoint} does not permit this; use a user that may do it`);
  }
  if (MISSING.includes(code)) {
    return new MissingError(`PostgreSQL at ${endpoint} has no such database or role; create it first`);
  }
  if (code === CANCELLED || code === "CONNECT_TIMEOUT") return new ClientTimeoutError(timeoutMs, attempt("no answer"));
  const reasons = { ...NOT_SERVING, ...UNREACHABLE };
  const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  if (reason !== undefined) return new UnreachableError(attempt(reason));
  if (CERTIFICATE.test(message)) return new CertificateError(attempt("its certificate is not trusted"));
  if (/^[0-9A-Z]{5}$/.test(code)) {
    const why = code === READ_ONLY ? "it is read-only; ask the primary" : `SQLSTATE ${code}; read the server's log`;
    return new RefusedError(`PostgreSQL at ${endpoint} refuses the statement: ${why}`, 0);
  }
  if (/^E[A-Z]+$/.test(code)) return new UnreachableError(attempt("no connection"));
  return new ReplyError(`what answers at ${endpoint} is not PostgreSQL as expected; check address and port`);
}
