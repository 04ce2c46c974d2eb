/**
 * Running an action: check its parameters, run it, deliver results or failure.
 *
 * @module
 */
import { ActionContext } from "./action_context.ts";
import { ActionParams } from "./action_params.ts";
import { openState } from "./agent.ts";
import { findAction } from "./bindings.ts";
import { ActionFailed, CharmletError } from "./errors.ts";
import type { ActionEvent } from "./event.ts";
import { message, reportFailure } from "./failure.ts";
import { dropPrivileges, finish, newSession } from "./perform.ts";
import type { RunOptions, RunParts } from "./run_options.ts";
import type { Session } from "./session.ts";
import { shorten } from "./text.ts";

/**
 * Runs an action.
 *
 * @returns the exit status: 0, or 1 when Juju must drop what it has taken already
 */
export async function performAction(parts: RunParts, event: ActionEvent): Promise<number> {
  const { program, options, agent, reading } = parts;
  const action = await findAction(reading.charm, program, event.name);
  const spec = reading.charm.actions[event.name];
  if (!action || !spec) {
    await agent.commands.action.fail(
      `this charm has no action ${event.name}; list them with: juju actions APPLICATION`,
    );
    return 0;
  }
  const [state, backend] = await openState(agent, options.environment);
  const session = newSession(parts, state);
  try {
    dropPrivileges(options, agent, backend, action.definition.needs ?? []);
    const params = new ActionParams(spec, await agent.commands.action.params());
    const ctx = new ActionContext(session, event, params, action.endpoint);
    const results = await action.definition.run(ctx);
    if (results) ctx.setResults(results);
    await parts.forgotten.check();
    await finish(session, backend, options);
    return 0;
  } catch (error) {
    return await failAction(session, options, error);
  } finally {
    backend.close();
  }
}

/** A failed action writes nothing but its results and its message. */
async function failAction(session: Session, options: RunOptions, error: unknown): Promise<number> {
  const { commands: { action }, effects, redactor } = session;
  if (options.dryRun) throw error;
  const { results } = effects.action;
  if (results.size > 0) await action.set(Object.fromEntries(results));
  await action.fail(shorten(redactor.apply(message(error))));
  // Only exit status 1 makes Juju drop what it has taken. It replaces the message: standard error keeps it in the results.
  const taken = effects.sent || effects.addedSecrets > 0;
  const expected = error instanceof ActionFailed || error instanceof CharmletError;
  if (taken || !expected) reportFailure(options, redactor, error);
  return taken ? 1 : 0;
}
