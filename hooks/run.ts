/**
 * One hook or action from start to exit status: connect, plan, give up privileges, run handlers, write.
 *
 * @module
 */
import { openAgent, openState } from "./agent.ts";
import { activate } from "./bindings.ts";
import { type CharmReading, readCharm } from "./charm/load.ts";
import type { Binding, Program } from "./definition.ts";
import type { HookEvent } from "./event.ts";
import { reportFailure } from "./failure.ts";
import { type ForgottenFailures, watchForgottenFailures } from "./forgotten_failures.ts";
import { upgradeLinks } from "./lifecycle/upgrade_charm.ts";
import { performHook } from "./perform.ts";
import { performAction } from "./perform_action.ts";
import { type Plan, planHook } from "./plan.ts";
import { Redactor } from "./redact.ts";
import { toEvent } from "./route.ts";
import type { RunOptions, RunParts } from "./run_options.ts";

/** Hooks in which most hook commands are refused (juju restricted contexts). */
const RESTRICTED: ReadonlySet<string> = new Set(["collect-metrics", "meter-status-changed"]);

/**
 * Runs a hook or an action.
 *
 * @returns the exit status: 0 agreed, 1 Juju shall retry
 */
export async function run(program: Program, options: RunOptions): Promise<number> {
  const redactor = new Redactor();
  const forgotten = watchForgottenFailures();
  try {
    return await Promise.race([runInvocation(program, options, redactor, forgotten), forgotten.thrown]);
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
  forgotten: ForgottenFailures,
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
    const parts = { program, options, agent, reading, forgotten };
    if (event.kind !== "action") return await runHook(parts, event);
    return await performAction(parts, event);
  } finally {
    await agent.log.flush();
    agent.close();
  }
}

async function runHook(parts: RunParts, event: HookEvent): Promise<number> {
  if (RESTRICTED.has(event.name)) return 0;
  const { program, options, agent, reading } = parts;
  const active = await activate(reading.charm, program);
  const bindings: Binding[] = options.dryRun ? active : [upgradeLinks, ...active];
  const [state, backend] = await openState(agent, options.environment);
  try {
    const plan = planHook(event, bindings, state.deferred, Date.now());
    if (isQuiet(plan)) {
      if (options.dryRun) options.print("would write nothing");
      return 0;
    }
    await performHook(parts, state, backend, event, plan);
    return 0;
  } finally {
    backend.close();
  }
}

/** Whether there is nothing to run: then there is nothing to write either. */
function isQuiet({ due, lost, own, flagSteps }: Plan): boolean {
  return due.length + lost.length + own.length + flagSteps.length === 0;
}

/** A charm directory that cannot be written, or a full disk, costs only the cache. */
async function keepCache(reading: CharmReading): Promise<void> {
  if (reading.cacheIsStale) await reading.writeCache();
}
