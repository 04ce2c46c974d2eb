/**
 * Running what a hook has planned: give up privileges, run handlers, write.
 *
 * @module
 */
import type { Agent } from "./agent.ts";
import { makeWrites, planCommit } from "./commit.ts";
import type { Needs, Permission } from "./definition.ts";
import { runPlan } from "./dispatch.ts";
import type { HookEvent } from "./event.ts";
import { needsOf, type Plan } from "./plan.ts";
import { FILE_STORE_NEEDS, revokeAllBut } from "./privileges.ts";
import type { RunOptions, RunParts } from "./run_options.ts";
import { Session } from "./session.ts";
import type { StateBackend } from "./state/backend.ts";
import type { UnitState } from "./state/unit_state.ts";

/**
 * Runs the handlers of a hook and makes its writes.
 *
 * @throws whatever a handler throws; {@linkcode HookCommandError} when Juju refuses a write
 */
export async function performHook(
  parts: RunParts,
  state: UnitState,
  backend: StateBackend,
  event: HookEvent,
  plan: Plan,
): Promise<void> {
  const session = newSession(parts, state);
  dropPrivileges(parts.options, parts.agent, backend, [...needsOf(plan)]);
  await runPlan(session, event, plan);
  await parts.forgotten.check();
  await finish(session, backend, parts.options);
}

/** What all handlers of the run share. */
export function newSession({ options, agent, reading }: RunParts, state: UnitState): Session {
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

/** Revokes what the handlers did not declare. */
export function dropPrivileges({ dryRun }: RunOptions, agent: Agent, backend: StateBackend, needs: Needs): void {
  const store: readonly Permission[] = backend.kind === "file" ? FILE_STORE_NEEDS : [];
  const own = dryRun ? needs.filter((need) => HARMLESS.has(need)) : needs;
  revokeAllBut(new Set([...own, ...agent.transportNeeds, ...store]));
}

/** Writes, or in a dry run prints, what the handlers want written. */
export async function finish(session: Session, backend: StateBackend, options: RunOptions): Promise<void> {
  const commit = await planCommit(session, backend);
  if (options.dryRun) {
    const writes = [...commit.buffered, ...commit.file, ...await commit.immediate];
    for (const { text } of writes) options.print(`would run: ${text}`);
    if (writes.length === 0) options.print("would write nothing");
  } else {
    session.effects.sent = true;
    await makeWrites(commit, () => session.log.flush());
  }
}
