/**
 * The unit agent and what a run keeps open beside it.
 *
 * @module
 */
import type { Permission } from "./definition.ts";
import { UnknownCommandError } from "./errors.ts";
import { hookCommands } from "./juju/commands.ts";
import { connect } from "./juju/connect.ts";
import { readOnly } from "./juju/dry_run.ts";
import type { JujuEnvironment } from "./juju/environment.ts";
import { Logger } from "./log.ts";
import { PROCESS_TRANSPORT_NEEDS } from "./privileges.ts";
import type { Redactor } from "./redact.ts";
import type { RunOptions } from "./run_options.ts";
import { agentStore } from "./state/agent_store.ts";
import type { StateBackend } from "./state/backend.ts";
import { UnitState } from "./state/unit_state.ts";

/** The agent, and what one run shares. */
export type Agent = Awaited<ReturnType<typeof openAgent>>;

/**
 * Connects, and asks for the stored state.
 *
 * @throws {EnvironmentError} when this is no hook environment
 */
export async function openAgent(options: RunOptions, redactor: Redactor) {
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
  // Every hook and action needs the state: it is under way while the charm's files are read.
  const store = agentStore(commands);
  const loading = store.load();
  loading.catch(() => {});
  return { commands, log, redactor, transportNeeds, store, loading, close: () => transport.close() };
}

function reportKept({ print }: RunOptions, command: string): void {
  if (command !== "juju-log") print(`would run: ${command}`);
}

/**
 * The stored state, from the agent or, where it keeps none, from a file.
 *
 * @throws {StateError} when the state cannot be used
 */
export async function openState(agent: Agent, environment: JujuEnvironment): Promise<[UnitState, StateBackend]> {
  try {
    return [new UnitState(await agent.loading), agent.store];
  } catch (error) {
    if (!(error instanceof UnknownCommandError)) throw error;
    // Juju before 2.8 lacks the one command; where all are missing, this is no hook environment.
    await agent.commands.leadership.isLeader();
    const { fileStore } = await import("./state/file_store.ts");
    const file = await fileStore(environment.charmDir);
    return [new UnitState(await file.load()), file];
  }
}
