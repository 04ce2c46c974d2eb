/**
 * Errors of the workload clients. Each message is one line that says what to do; none has a key, password, token or
 * stored value in it.
 *
 * @module
 */

/** Why one endpoint did not serve a request. */
export interface Attempt {
  /** Such as `https://10.0.0.1:2379`. */
  readonly endpoint: string;
  readonly reason: string;
}

/** Base of every error of a workload client. */
export class ClientError extends Error {
  override readonly name: string = "ClientError";
  /** Whether the request was a write that may have taken effect all the same: look before asking again. */
  outcomeUnknown = false;
}

/** What the caller gave (endpoints, PEM, an argument) cannot be used; nothing was sent. */
export class InputError extends ClientError {
  override readonly name = "InputError";
}

/** No endpoint could be reached. */
export class UnreachableError extends ClientError {
  override readonly name = "UnreachableError";

  constructor(readonly attempts: readonly Attempt[]) {
    super(`cannot reach ${listAttempts(attempts)}; check that the servers run and the network lets us through`);
  }
}

/** The servers were reached but did not answer in time. */
export class ClientTimeoutError extends ClientError {
  override readonly name = "ClientTimeoutError";

  constructor(readonly timeoutMs: number, readonly attempts: readonly Attempt[]) {
    super(`no answer within ${timeoutMs} ms from ${listAttempts(attempts)}; try again, or check the servers' load`);
  }
}

/** A server's certificate is not trusted, or servers refuse ours. */
export class CertificateError extends ClientError {
  override readonly name = "CertificateError";

  constructor(readonly attempts: readonly Attempt[]) {
    super(`no trusted connection to ${listAttempts(attempts)}; get the current certificates from the provider`);
  }
}

/** The server wants a valid user and password or token. */
export class AuthenticationError extends ClientError {
  override readonly name = "AuthenticationError";
}

/** The user is known but may not do this. */
export class NotPermittedError extends ClientError {
  override readonly name = "NotPermittedError";
}

/** etcd's gateway refuses client certificates with a common name while authentication is on. */
export class CommonNameError extends ClientError {
  override readonly name = "CommonNameError";
}

/** The cluster has lost its majority, or is choosing a leader. */
export class NoQuorumError extends ClientError {
  override readonly name = "NoQuorumError";
}

/** The cluster refuses a change of its members because it would put the majority at risk. */
export class UnhealthyClusterError extends ClientError {
  override readonly name = "UnhealthyClusterError";
}

/** The lease, member or other thing does not exist (any more). */
export class MissingError extends ClientError {
  override readonly name = "MissingError";
}

/** The history that a watch or read asked for has been deleted: read the present state and start from there. */
export class CompactedError extends ClientError {
  override readonly name = "CompactedError";

  /** @param firstRevision the oldest revision that is still there; 0n when the server did not say */
  constructor(message: string, readonly firstRevision: bigint) {
    super(message);
  }
}

/** The server understood and refused the request. */
export class RefusedError extends ClientError {
  override readonly name = "RefusedError";

  /** @param code gRPC status code, such as 3 for an invalid argument */
  constructor(message: string, readonly code: number) {
    super(message);
  }
}

/** What answered is not the expected server, or its answer is damaged or too large. */
export class ReplyError extends ClientError {
  override readonly name = "ReplyError";
}

/** A server process cannot be started, stopped or looked at. */
export class ServiceError extends ClientError {
  override readonly name = "ServiceError";
}

/** A package cannot be installed. */
export class PackageError extends ClientError {
  override readonly name = "PackageError";

  /** @param packages those that are still missing */
  constructor(message: string, readonly packages: readonly string[]) {
    super(message);
  }
}

const SHOWN_ATTEMPTS = 5;

function listAttempts(attempts: readonly Attempt[]): string {
  const shown = attempts.slice(0, SHOWN_ATTEMPTS).map(({ endpoint, reason }) => `${endpoint} (${reason})`).join(", ");
  const more = attempts.length - SHOWN_ATTEMPTS;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
