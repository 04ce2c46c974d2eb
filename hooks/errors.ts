/**
 * Errors of the dispatcher. Each message is one clear line that says what to do next.
 *
 * @module
 */
import { plain, shorten } from "./text.ts";

/** Base of every error that ends a hook with exit status 1 and its message as the only line. */
export class CharmletError extends Error {
  override readonly name: string = "CharmletError";
  /** The message before it was shortened: only in this one a secret is still whole, and can be masked. */
  readonly wholeMessage: string;

  /** @param message may repeat what others have sent: it is made one plain line of bounded length here */
  constructor(message: string, options?: ErrorOptions) {
    const whole = plain(message);
    super(shorten(whole), options);
    this.wholeMessage = whole;
  }
}

/** The hook environment, the charm's files or the command line are not as Juju or the user must give them. */
export class EnvironmentError extends CharmletError {
  override readonly name = "EnvironmentError";
}

/** The arguments of the command line make no sense. */
export class UsageError extends CharmletError {
  override readonly name = "UsageError";
}

/** A file of the charm (metadata, actions, config) cannot be read; the message carries file:line:column. */
export class CharmFileError extends CharmletError {
  override readonly name = "CharmFileError";
}

/** The agent cannot be reached, or what it says is not the protocol. */
export class AgentError extends CharmletError {
  override readonly name = "AgentError";
}

/** A hook command ended with a status other than 0. */
export class HookCommandError extends CharmletError {
  override readonly name: string = "HookCommandError";

  /**
   * @param command name of the hook command; its arguments are left out because they may hold secrets
   * @param code exit status: 1 error while running, 2 argument error
   * @param detail what the command printed on stderr, without the `ERROR ` prefix
   */
  constructor(readonly command: string, readonly code: number, readonly detail: string) {
    super(`${command} failed with exit status ${code}: ${detail}`);
  }
}

/** The unit is not the leader, or lost leadership, and a leader's write was refused. */
export class NotLeaderError extends HookCommandError {
  override readonly name: string = "NotLeaderError";
}

/** The relation, secret, unit or other thing asked for does not exist (any more). */
export class NotFoundError extends HookCommandError {
  override readonly name: string = "NotFoundError";
}

/** Juju refused access: a bag, secret or command that this unit may not use. */
export class PermissionDeniedError extends HookCommandError {
  override readonly name: string = "PermissionDeniedError";
}

/** The agent does not know the command: an older or newer Juju. */
export class UnknownCommandError extends HookCommandError {
  override readonly name: string = "UnknownCommandError";
}

/** Stored state cannot be used: written by a newer version, or damaged. */
export class StateError extends CharmletError {
  override readonly name = "StateError";
}

/** A charm author's definitions contradict each other or the charm's metadata. */
export class DefinitionError extends CharmletError {
  override readonly name = "DefinitionError";
}

/** Flag handlers keep triggering each other. */
export class FlagLoopError extends CharmletError {
  override readonly name = "FlagLoopError";
}

/** A value from a databag, config or action parameter does not have the form that its reader asked for. */
export class ValueError extends CharmletError {
  override readonly name = "ValueError";
}

/**
 * Ends an action as failed. Throw it from an action: results that were set are delivered, nothing else is written.
 * The message tells who ran the action what to do.
 */
export class ActionFailed extends Error {
  override readonly name = "ActionFailed";
}
