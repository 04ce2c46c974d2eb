/**
 * One hook or action from start to exit status: connect, plan, give up privileges, run handlers, write.
 *
 * @module
 */
import { ActionContext, ActionFailed } from "./action_context.ts";
import { ActionParams } from "./action_params.ts";
import { type Agent, openAgent, openState } from "./agent.ts";
import { activate, findAction } from "./bindings.ts";
import { type CharmReading, readCharm } from "./charm/load.ts";
import { makeWrites, planCommit } from "./commit.ts";
import type { Binding, Needs, Permission, Program } from "./definition.ts";
import { runPlan } from "./dispatch.ts";
import { CharmletError } from "./errors.ts";
import type { ActionEvent, HookEvent } from "./event.ts";
import { type ForgottenPromises, watchForgottenPromises } from "./forgotten_promises.ts";
import { upgradeLinks } from "./lifecycle/upgrade_charm.ts";
import { needsOf, type Plan, planHook } from "./plan.ts";
import { FILE_STORE_NEEDS, revokeAllBut } from "./privileges.ts";
import { Redactor } from "./redact.ts";
import { toEvent } from "./route.ts";
import type { RunOptions } from "./run_options.ts";
import { Session } from "./session.ts";
import type { StateBackend } from "./state/backend.ts";
import type { UnitState } from "./state/unit_state.ts";

/** Hooks in which most hook commands are refused (juju restricted contexts). */
const RESTRICTED: ReadonlySet<string> = new Set(["collect-metrics", "meter-status-changed"]);

/**
 * Runs a hook or an action.
 *
 * @returns the exit status: 0 agreed, 1 Juju shall retry
 */
export async function run(program: Program, options: RunOptions): Promise<number> {
  const redactor = new Redactor();
  const forgotten = watchForgottenPromises();
  try {
    return await runInvocation(program, options, redactor, forgotten);
  } catch (error) {
    if (options.dryRun && error instanceof Deno.errors.NotCapable) {
      options.print(
        redactor.apply(`would go on with more than reading, which a dry run does not allow: ${error.message}`),
      );
      return 0;
    }
    reportFailure(options, redactor, error);
    return 1;
  } finally {
    forgotten.stop();
  }
}

async function runInvocation(
  program: Program,
  options: RunOptions,
  redactor: Redactor,
  forgotten: ForgottenPromises,
): Promise<number> {
  const { environment, invocation } = options;
  const agent = await openAgent(options, redactor);
  try {
    const reading = await readCharm(environment.charmDir);
    if (!options.dryRun) await keepCache(reading);
    const event = toEvent(invocation, environment, reading.charm);
    if (event === undefined) {
      options.print(`charmlet: ${invocation.name} is no hook of this charm; nothing to do`);
      return 0;
    }
    return event.kind === "action"
      ? await runAction(program, options, agent, reading, event, forgotten)
      : await runHook(program, options, agent, reading, event, forgotten);
  } finally {
    await agent.log.flush();
    agent.close();
  }
}

async function runHook(
  program: Program,
  options: RunOptions,
  agent: Agent,
  reading: CharmReading,
  event: HookEvent,
  forgotten: ForgottenPromises,
): Promise<number> {
  if (RESTRICTED.has(event.name)) return 0;
  const active = await activate(reading.charm, program);
  const bindings: Binding[] = options.dryRun ? active : [upgradeLinks, ...active];
  const [state, backend] = await openState(agent, options.environment);
  try {
    const session = newSession(options, agent, reading, state);
    const plan = planHook(event, bindings, state.deferred, session.now());
    if (isQuiet(plan)) {
      if (options.dryRun) options.print("would write nothing");
      return 0;
    }
    dropPrivileges(options, agent, backend, [...needsOf(plan)]);
    await runPlan(session, event, plan);
    await forgotten.check();
    await finish(session, backend, options);
    return 0;
  } finally {
    backend.close();
  }
}

/** Whether there is nothing to run: then there is nothing to write either. */
function isQuiet({ due, lost, own, flagSteps }: Plan): boolean {
  return due.length + lost.length + own.length + flagSteps.length === 0;
}

async function runAction(
  program: Program,
  options: RunOptions,
  agent: Agent,
  reading: CharmReading,
  event: ActionEvent,
  forgotten: ForgottenPromises,
): Promise<number> {
  const action = await findAction(program, event.name);
  const spec = reading.charm.actions[event.name];
  if (!action || !spec) {
    await agent.commands.action.fail(
      `this charm has no action ${event.name}; list them with: juju actions APPLICATION`,
    );
    return 0;
  }
  const [state, backend] = await openState(agent, options.environment);
  const session = newSession(options, agent, reading, state);
  try {
    dropPrivileges(options, agent, backend, action.needs ?? []);
    const params = new ActionParams(spec, await agent.commands.action.params());
    const ctx = new ActionContext(session, event, params);
    const results = await action.run(ctx);
    if (results) ctx.setResults(results);
    await forgotten.check();
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
  await action.fail(redactor.apply(message(error)));
  // Only exit status 1 makes Juju drop what it has taken. It replaces the message: standard error keeps it in the results.
  const taken = effects.sent || effects.addedSecrets > 0;
  const expected = error instanceof ActionFailed || error instanceof CharmletError;
  if (taken || !expected) reportFailure(options, redactor, error);
  return taken ? 1 : 0;
}

function newSession(options: RunOptions, agent: Agent, reading: CharmReading, state: UnitState): Session {
  return new Session({
    environment: options.environment,
    charm: reading.charm,
    commands: agent.commands,
    state,
    log: agent.log,
    redactor: agent.redactor,
    now: Date.now,
  });
}

/** A dry run keeps what looks, and gives up what changes: handlers do their workload's work themselves. */
const HARMLESS: ReadonlySet<Permission> = new Set(["read", "env", "sys", "import"]);

function dropPrivileges({ dryRun }: RunOptions, agent: Agent, backend: StateBackend, needs: Needs): void {
  const store: readonly Permission[] = backend.kind === "file" ? FILE_STORE_NEEDS : [];
  const own = dryRun ? needs.filter((need) => HARMLESS.has(need)) : needs;
  revokeAllBut(new Set([...own, ...agent.transportNeeds, ...store]));
}

async function finish(session: Session, backend: StateBackend, options: RunOptions): Promise<void> {
  const commit = await planCommit(session, backend);
  if (options.dryRun) {
    const writes = [...commit.buffered, ...commit.file, ...commit.immediate];
    for (const { text } of writes) options.print(`would run: ${text}`);
    if (writes.length === 0) options.print("would write nothing");
  } else {
    session.effects.sent = true;
    await makeWrites(commit, () => session.log.flush());
  }
}

/** A charm directory that cannot be written, or a full disk, costs only the cache. */
async function keepCache(reading: CharmReading): Promise<void> {
  if (reading.cacheIsStale) await reading.writeCache();
}

function reportFailure({ print, printError, invocation }: RunOptions, redactor: Redactor, error: unknown): void {
  printError(redactor.apply(`charmlet: ${invocation.name}: ${message(error)}`));
  if (!(error instanceof CharmletError) && error instanceof Error && error.stack) print(redactor.apply(error.stack));
}

function message(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const named = error instanceof CharmletError || error instanceof ActionFailed || !(error instanceof Error);
  return (named ? text : `${error.name}: ${text}`).replaceAll(/\s*\n\s*/g, "; ");
}
