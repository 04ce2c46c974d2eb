/**
 * What Patroni refuses, in words of ours.
 *
 * @module
 */
import { ClientError } from "../errors.ts";

/** Why Patroni refuses a request that it understood. */
export type PatroniReason =
  | "is-leader"
  | "in-progress"
  | "wrong-leader"
  | "candidate-not-sync"
  | "candidate-unknown"
  | "no-candidate"
  | "paused"
  | "conflict"
  | "no-leader"
  | "not-running"
  | "invalid"
  | "failed";

const SAYS: Readonly<Record<PatroniReason, string>> = {
  "is-leader": "the member is the leader; switch over to another member first",
  "in-progress": "the member is being restarted or copied already; wait until it has finished",
  "wrong-leader": "the named leader is not the leader any more; look at the cluster again",
  "candidate-not-sync": "the candidate is not a synchronous standby; name one that is, or none",
  "candidate-unknown": "the candidate is no member of the cluster; look at the cluster again",
  "no-candidate": "no member can take over now; wait until a replica runs without lag",
  "paused": "the cluster is paused; resume it, or name a candidate",
  "conflict": "somebody else changed it at the same time, or etcd cannot be written; try again",
  "no-leader": "the cluster has no leader; wait for one, or fail over to a named member",
  "not-running": "the cluster is not initialised or its store cannot be reached; wait for it",
  "invalid": "it takes no such values; correct the request",
  "failed": "it did not succeed; read the member's log",
};

/** Patroni understood and refused a request, or tried without success. */
export class PatroniRefusedError extends ClientError {
  override readonly name = "PatroniRefusedError";

  /**
   * @param what was asked, such as `a switchover`
   * @param status HTTP status
   */
  constructor(what: string, readonly status: number, readonly reason: PatroniReason) {
    super(`Patroni refuses ${what}: ${SAYS[reason]}`);
  }
}
