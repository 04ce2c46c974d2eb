/**
 * Errors of the MySQL client, beside those of all clients. None has text of the server in it: that repeats parts of
 * statements, and statements have passwords in them.
 *
 * @module
 */
import { ClientError } from "../errors.ts";

/** The server refuses a statement. */
export class ServerError extends ClientError {
  override readonly name: string = "ServerError";

  /**
   * @param operation what was tried, such as `create the user`
   * @param number MySQL's error number
   */
  constructor(message: string, readonly operation: string, readonly number: number) {
    super(message);
  }
}

/** The server is read-only: a secondary, a stopped member or one that lost its group. */
export class ReadOnlyError extends ServerError {
  override readonly name = "ReadOnlyError";
}

/** The server cannot join the group, or leave it; its error log has the reason. */
export class GroupRefusedError extends ServerError {
  override readonly name = "GroupRefusedError";
}

/** The server has transactions of its own that the group does not have: joining would lose or mix data. */
export class ErrantTransactionsError extends ClientError {
  override readonly name = "ErrantTransactionsError";

  /** @param gtids the set of these transactions */
  constructor(readonly gtids: string) {
    super(
      `the server has transactions that the group does not have (${gtids}); save what they hold, then add it by clone`,
    );
  }
}

/** A server lacks what a member of the cluster needs. */
export class NotFitError extends ClientError {
  override readonly name = "NotFitError";

  /** @param problems one line each */
  constructor(readonly problems: readonly string[]) {
    super(`the server cannot be a member of the cluster: ${problems.join("; ")}`);
  }
}

/** No member can be chosen to start the group again with. */
export class OutageError extends ClientError {
  override readonly name = "OutageError";

  /** @param members those that were not asked, or whose data differ */
  constructor(
    message: string,
    readonly reason: "unasked" | "diverged" | "running",
    readonly members: readonly string[],
  ) {
    super(message);
  }
}

/** The server's state after a change is not what was asked for. */
export class NotDoneError extends ClientError {
  override readonly name = "NotDoneError";
}
