/**
 * What keeps a check as a whole from running. What is wrong with one target is a result, not an error.
 *
 * @module
 */
import { ClientError } from "../errors.ts";

/** A program that a check needs is not installed. */
export class ProgramMissingError extends ClientError {
  override readonly name = "ProgramMissingError";

  /** @param install what to do about it, such as `install Debian's package iputils-ping` */
  constructor(readonly program: string, install: string) {
    super(`${program} is not installed: ${install}`);
  }
}

/** The machine, or the permissions of this process, refuse what the check needs. */
export class ForbiddenError extends ClientError {
  override readonly name = "ForbiddenError";
}
