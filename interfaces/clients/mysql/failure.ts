/**
 * What went wrong with a connection or statement, in words of ours.
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
  ReplyError,
  UnreachableError,
} from "../errors.ts";
import { GroupRefusedError, ReadOnlyError, ServerError } from "./errors.ts";

/** What an error is told about. */
export interface Circumstances {
  /** Such as `10.0.0.1:3306`. */
  readonly endpoint: string;
  /** Such as `create the user`. */
  readonly operation: string;
  readonly timeoutMs: number;
}

/** MySQL's error numbers, by their meaning for the caller. */
const WRONG_LOGIN: readonly number[] = [1045, 1251, 1698, 1862, 3118, 3955];
const NOT_PERMITTED: readonly number[] = [1044, 1142, 1143, 1227, 1370, 1410, 3878];
const MISSING: readonly number[] = [1049, 1146, 1396];
const READ_ONLY: readonly number[] = [1290, 1792, 1836];
const GROUP_REFUSES: readonly number[] = [3092, 3093, 3094, 3098, 3100, 3101, 3910];
const NOT_SERVING: Readonly<Record<number, string>> = {
  1040: "it has no connection left",
  1053: "it is being shut down",
  1129: "it blocks this host after too many failures",
  1130: "it lets no user in from this host",
  1152: "it ended the connection",
  1184: "it ended the connection",
  1203: "the user has no connection left",
  1317: "the statement was ended",
  1927: "it ended the connection",
  3032: "it is in offline mode",
  3169: "it ended the session",
  4031: "it ended the idle connection",
};
/** A statement that waits for something took longer than the server lets it. */
const TIMED_OUT: readonly number[] = [1205, 3024];

/** Errors of the system's calls and of the driver. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOENT: "its socket is not there",
  EACCES: "its socket may not be used",
  EHOSTUNREACH: "no route to it",
  ENETUNREACH: "no route to it",
  ENOTFOUND: "its name cannot be resolved",
  EAI_AGAIN: "its name cannot be resolved",
  ECONNRESET: "it closed the connection",
  ECONNABORTED: "it closed the connection",
  EPIPE: "it closed the connection",
  PROTOCOL_CONNECTION_LOST: "it closed the connection",
};

const CERTIFICATE = /certificate|UnknownIssuer|NotValidForName|UnknownCA|self.signed|altnames/i;
/** The driver's words, without a code, for a statement on a connection that has ended before. */
const ENDED = /in closed state/;
const NO_TLS = "HANDSHAKE_NO_SSL_SUPPORT";
/** Deno's words for a handshake of TLS that we ended, such as over a certificate for another host. */
const TLS_ENDED = "UNKNOWN";

/** The typed error for what the driver threw; an error that is one already stays. */
export function explainFailure(error: unknown, circumstances: Circumstances): Error {
  if (error instanceof ClientError) return error;
  // Our own permissions are no fault of the server.
  if (error instanceof Deno.errors.NotCapable) return error;
  const { code = "", errno, message = "" } = error as { code?: unknown; errno?: unknown; message?: unknown };
  const { endpoint, timeoutMs } = circumstances;
  const attempt = (reason: string) => [{ endpoint, reason }];
  const reason = Object.hasOwn(UNREACHABLE, `${code}`) ? UNREACHABLE[`${code}`] : undefined;
  if (reason !== undefined) return new UnreachableError(attempt(reason));
  if (ENDED.test(`${message}`)) return new UnreachableError(attempt("it closed the connection"));
  if (code === "ETIMEDOUT") return new ClientTimeoutError(timeoutMs, attempt("no answer"));
  if (code === NO_TLS) return new CertificateError(attempt("it does not offer TLS"));
  if (code === TLS_ENDED) return new CertificateError(attempt("its certificate is not trusted for this address"));
  // The driver gives the system's errors negative numbers.
  if (typeof errno === "number" && errno >= 1000 && errno < 100_000) return explainNumber(errno, circumstances);
  if (CERTIFICATE.test(`${message}`)) return new CertificateError(attempt("its certificate is not trusted"));
  if (/^E[A-Z]+$/.test(`${code}`)) return new UnreachableError(attempt("no connection"));
  return new ReplyError(`what answers at ${endpoint} is not MySQL as expected; check address and port`);
}

function explainNumber(number: number, { endpoint, operation, timeoutMs }: Circumstances): Error {
  const where = `MySQL at ${endpoint}`;
  const attempt = (reason: string) => [{ endpoint, reason }];
  const serving = NOT_SERVING[number];
  if (serving !== undefined) return new UnreachableError(attempt(`${serving}, error ${number}`));
  if (TIMED_OUT.includes(number)) return new ClientTimeoutError(timeoutMs, attempt(`error ${number}`));
  if (WRONG_LOGIN.includes(number)) {
    return new AuthenticationError(`${where} does not let the user in; check user and password`);
  }
  if (NOT_PERMITTED.includes(number)) {
    return new NotPermittedError(`${where} does not permit the user to ${operation}; use one that may`);
  }
  if (MISSING.includes(number)) {
    return new MissingError(`${where} cannot ${operation}: it does not have what this needs (error ${number})`);
  }
  if (READ_ONLY.includes(number)) {
    return new ReadOnlyError(`${where} cannot ${operation}: it is read-only; ask the primary`, operation, number);
  }
  if (GROUP_REFUSES.includes(number)) {
    const text = `${where} cannot ${operation}: group replication refuses (error ${number}); read its error log`;
    return new GroupRefusedError(text, operation, number);
  }
  return new ServerError(`${where} cannot ${operation}: error ${number}; read its error log`, operation, number);
}
