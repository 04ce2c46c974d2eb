/**
 * What the Kubernetes API refuses, in words of ours.
 *
 * @module
 */
import { ClientError } from "../errors.ts";

/** Kubernetes' names for refusals. */
export type KubernetesReason =
  | "Unauthorized"
  | "BadRequest"
  | "Forbidden"
  | "NotFound"
  | "MethodNotAllowed"
  | "Conflict"
  | "UnsupportedMediaType"
  | "Invalid"
  | "TooManyRequests"
  | "ServerError"
  | "Unknown";

const BY_STATUS: Readonly<Record<number, KubernetesReason>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
};

const SAYS: Readonly<Record<KubernetesReason, string>> = {
  Unauthorized: "it does not know us; check the service account",
  BadRequest: "it cannot read the request; check its version",
  Forbidden: "the application may not do this; run juju trust for it with --scope=cluster",
  NotFound: "there is no such pod in the model's namespace; wait until it is there",
  MethodNotAllowed: "what answers takes no changes; check that it is the Kubernetes API",
  Conflict: "somebody else changes it at the same time; try again",
  UnsupportedMediaType: "it takes no patches of this kind; check that it is the Kubernetes API",
  Invalid: "it does not take the values; choose a shorter application name",
  TooManyRequests: "it has too much to do; try again later",
  ServerError: "it has a problem of its own; try again later",
  Unknown: "it gives no known reason; check that it is the Kubernetes API",
};

/** The Kubernetes API understood and refused a request. */
export class KubernetesError extends ClientError {
  override readonly name = "KubernetesError";

  /**
   * @param what was asked for, such as `the labels of pod pg-0`
   * @param status HTTP status
   */
  constructor(what: string, readonly status: number, readonly reason: KubernetesReason) {
    super(`Kubernetes refuses ${what} (HTTP ${status}): ${SAYS[reason]}`);
  }
}

/**
 * The reason of a reply.
 *
 * @param said the reply's own `reason`, where it is a Status
 */
export function reasonOf(status: number, said: unknown): KubernetesReason {
  const known = typeof said === "string" && Object.hasOwn(SAYS, said) ? said as KubernetesReason : undefined;
  return BY_STATUS[status] ?? (status >= 500 ? "ServerError" : known ?? "Unknown");
}
