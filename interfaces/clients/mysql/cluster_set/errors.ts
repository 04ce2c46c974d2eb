/**
 * Errors of operations on a cluster set, beside those of MySQL's client.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";

/** The operation does not fit the state of the cluster set; nothing was changed, or what was has been undone. */
export class ClusterSetRefusedError extends ClientError {
  override readonly name = "ClusterSetRefusedError";
}

/** Somebody else is changing the cluster set. */
export class ClusterSetLockedError extends ClientError {
  override readonly name = "ClusterSetLockedError";

  /** @param holder who, such as `mysql/0`; empty when that is not known */
  constructor(readonly holder: string) {
    super(`the cluster set is being changed${holder === "" ? "" : ` by ${holder}`}; try again when that is done`);
  }
}
