/**
 * What an action sees beyond what a hook sees: parameters, results, progress, failure.
 *
 * @module
 */
import type { ActionParams } from "./action_params.ts";
import type { Endpoint } from "./charm/metadata.ts";
import { Context } from "./context.ts";
import type { ActionResults } from "./definition.ts";
import { DefinitionError } from "./errors.ts";
import type { ActionEvent } from "./event.ts";
import type { Session } from "./session.ts";

/** Parts of a result key (juju action-set). */
const KEY_PART = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const RESERVED = new Set(["stdout", "stdout-encoding", "stderr", "stderr-encoding"]);

/** An action's view of Juju. */
export class ActionContext extends Context<ActionEvent> {
  /** Parameters, checked against actions.yaml. */
  readonly params: ActionParams;
  readonly #session: Session;

  constructor(session: Session, event: ActionEvent, params: ActionParams, endpoint?: Endpoint) {
    super(session, event, endpoint?.name ?? "", endpoint);
    this.params = params;
    this.#session = session;
  }

  /**
   * Sets results; nested objects become dotted keys. They are delivered even when the action fails later.
   *
   * @throws {DefinitionError} for a key that Juju does not take
   */
  setResults(results: ActionResults): void {
    for (const [key, value] of flatten(results)) this.#session.effects.action.results.set(key, value);
  }

  /** Shows progress to who runs the action, at once. */
  async progress(message: string): Promise<void> {
    await this.#session.commands.action.log(this.#session.redactor.apply(message));
  }

  /** Marks the action as failed, and goes on: what was written before and after is committed. */
  fail(message: string): void {
    this.#session.effects.action.failure = message;
  }
}

function flatten(results: ActionResults, prefix = ""): [string, string][] {
  return Object.entries(results).flatMap(([part, value]): [string, string][] => {
    if (!part.split(".").every((piece) => KEY_PART.test(piece) && !RESERVED.has(piece))) {
      throw new DefinitionError(
        `${JSON.stringify(part)} cannot be a result key: lower-case letters, digits, inner hyphens`,
      );
    }
    const key = prefix === "" ? part : `${prefix}.${part}`;
    return typeof value === "object" ? flatten(value, key) : [[key, String(value)]];
  });
}
