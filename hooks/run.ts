/**
 * One hook or action from start to exit status: connect, plan, give up privileges, run handlers, write.
 *
 * @module
 */
import { ActionContext, ActionFailed } from "./action_context.ts";
import { ActionParams } from "./action_params.ts";
import { activate, findAction } from "./bindings.ts";
import { type CharmReading, readCharm } from "./charm/load.ts";
import { makeWrites, planCommit } from "./commit.ts";
import type { Binding, Needs, Permission, Program } from "./definition.ts";
import { runPlan } from "./dispatch.ts";
import { CharmletError, UnknownCommandError } from "./errors.ts";
import type { ActionEvent, HookEvent } from "./event.ts";
import { hookCommands } from "./juju/commands.ts";
import { connect } from "./juju/connect.ts";
import { readOnly } from "./juju/dry_run.ts";
import type { JujuEnvironment } from "./juju/environment.ts";
import { upgradeLinks } from "./lifecycle/upgrade_charm.ts";
import { Logger } from "./log.ts";
import { needsOf, planHook } from "./plan.ts";
import { FILE_STORE_NEEDS, PROCESS_TRANSPORT_NEEDS, revokeAllBut } from "./privileges.ts";
import { Redactor } from "./redact.ts";
import { type HookInvocation, toEvent } from "./route.ts";
import { Session } from "./session.ts";
import { agentStore } from "./state/agent_store.ts";
import type { StateBackend } from "./state/backend.ts";
import { UnitState } from "./state/unit_state.ts";

/** What a run needs of the process. */
export interface RunOptions {
  readonly invocation: HookInvocation;
  readonly environment: JujuEnvironment;
  readonly env: Readonly<Record<string, string>>;
  /** Prints a line on standard output: in a hook, the agent logs it at DEBUG. */
  readonly print: (line: string) => void;
  /** Prints a line on standard error: the agent logs it at WARNING. */
  readonly printError: (line: string) => void;
  /** Print what would be written, and write nothing. */
  readonly dryRun: boolean;
}

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

/** Rejected promises that nobody has waited for so far: Deno would end the process with an unmasked dump of them. */
interface ForgottenPromises {
  /** Throws the first reason, if any. */
  check(): Promise<void>;
  stop(): void;
}

function watchForgottenPromises(): ForgottenPromises {
  const reasons = new Map<Promise<unknown>, unknown>();
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    reasons.set(event.promise, event.reason);
  };
  const onHandled = (event: PromiseRejectionEvent) => void reasons.delete(event.promise);
  addEventListener("unhandledrejection", onRejection);
  addEventListener("rejectionhandled", onHandled);
  return {
    async check() {
      if (reasons.size === 0) return;
      // That somebody did wait in the end is told with the next turn of the event loop.
      await new Promise((resolve) => setTimeout(resolve));
      for (const reason of reasons.values()) throw reason;
    },
    stop() {
      removeEventListener("unhandledrejection", onRejection);
      removeEventListener("rejectionhandled", onHandled);
    },
  };
}

async function runInvocation(
  program: Program,
  options: RunOptions,
  redactor: Redactor,
  forgotten: ForgottenPromises,
): Promise<number> {
  const { environment, invocation } = options;
  const [reading, agent] = await Promise.all([readCharm(environment.charmDir), openAgent(options, redactor)]);
  try {
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

/** The agent, and what one run shares. */
type Agent = Awaited<ReturnType<typeof openAgent>>;

async function openAgent(options: RunOptions, redactor: Redactor) {
  const { environment, env, dryRun } = options;
  const { transport, fallback } = await connect(environment, env);
  const used = dryRun ? readOnly(transport, (command) => reportKept(options, command)) : transport;
  const commands = hookCommands(used);
  const isAction = options.invocation.kind === "action";
  const log = new Logger({
    send: (level, message) => commands.model.log(level, message),
    // What an action prints goes into its results.
    printDebug: isAction && !dryRun ? undefined : options.print,
  }, redactor);
  if (fallback !== undefined) log.debug(`hook commands run as processes: ${fallback}`);
  const transportNeeds: readonly Permission[] = transport.kind === "process" ? PROCESS_TRANSPORT_NEEDS : [];
  return { commands, log, redactor, transportNeeds, close: () => transport.close() };
}

function reportKept({ print }: RunOptions, command: string): void {
  if (command !== "juju-log") print(`would run: ${command}`);
}

async function openState(agent: Agent, environment: JujuEnvironment): Promise<[UnitState, StateBackend]> {
  const store = agentStore(agent.commands);
  try {
    return [new UnitState(await store.load()), store];
  } catch (error) {
    if (!(error instanceof UnknownCommandError)) throw error;
    // Juju before 2.8 lacks the one command; where all are missing, this is no hook environment.
    await agent.commands.leadership.isLeader();
    const { fileStore } = await import("./state/file_store.ts");
    const file = await fileStore(environment.charmDir);
    return [new UnitState(await file.load()), file];
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
    dropPrivileges(options, agent, backend, [...needsOf(plan)]);
    await runPlan(session, event, plan);
    await forgotten.check();
    await finish(session, backend, options);
    return 0;
  } finally {
    backend.close();
  }
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
