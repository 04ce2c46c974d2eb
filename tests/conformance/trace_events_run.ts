/**
 * Runs one event step: our handlers and actions in the simulated agent's world, with scripted ports.
 *
 * @module
 */
import { ActionContext } from "../../hooks/action_context.ts";
import { ActionParams } from "../../hooks/action_params.ts";
import { activate, findAction } from "../../hooks/bindings.ts";
import { makeWrites, planCommit } from "../../hooks/commit.ts";
import type { DeferredEntry } from "../../hooks/deferral.ts";
import type { Program } from "../../hooks/definition.ts";
import { runPlan } from "../../hooks/dispatch.ts";
import { ActionFailed } from "../../hooks/errors.ts";
import type { HookEvent } from "../../hooks/event.ts";
import { hookCommands } from "../../hooks/juju/commands.ts";
import { readJujuEnvironment } from "../../hooks/juju/environment.ts";
import { Logger } from "../../hooks/log.ts";
import { planHook } from "../../hooks/plan.ts";
import { Redactor } from "../../hooks/redact.ts";
import { Session } from "../../hooks/session.ts";
import type { StateBackend } from "../../hooks/state/backend.ts";
import { agentStore } from "../../hooks/state/agent_store.ts";
import { UnitState } from "../../hooks/state/unit_state.ts";
import { asyncReplicationActions } from "../../interfaces/async_replication/actions.ts";
import { asyncReplicationPrimary } from "../../interfaces/async_replication/primary.ts";
import { asyncReplicationReplica } from "../../interfaces/async_replication/replica.ts";
import { commit, discard } from "../model/commit.ts";
import { createHookRun, type HookRun } from "../model/hook_run.ts";
import { inProcessTransport } from "../model/in_process.ts";
import type { EventCall, EventDeferral, EventPeer, EventStatus, EventStep } from "./trace_events_format.ts";
import { propertiesOf } from "./trace_events_properties.ts";
import { bagsAfter, peerAfter, secretsAfter } from "./trace_events_results.ts";
import { EventScript } from "./trace_events_script.ts";
import { applicationOf, deferredEntries, eventOfStep, eventWorld, observerOf } from "./trace_events_world.ts";
import type { EventWorld } from "./trace_events_world.ts";
import type { Json } from "./trace_format.ts";

/** What came of an event, in the words of a trace. */
export interface EventOutcome {
  readonly calls: readonly EventCall[];
  readonly error: string | undefined;
  readonly unitStatus: EventStatus;
  readonly appStatus: EventStatus;
  readonly unitHistory: readonly EventStatus[];
  readonly appHistory: readonly EventStatus[];
  readonly peer: EventPeer | null;
  readonly relations: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly secrets: readonly Json[];
  readonly deferred: readonly EventDeferral[];
  readonly action: Json | undefined;
  /** What the action showed to who ran it. */
  readonly progress: readonly string[];
  readonly before: Json;
  /** Undefined when the handler raised. */
  readonly after: Json | undefined;
  /** How many hooks a wait took that the original sleeps through. */
  readonly waits: number;
}

/** 2026-01-01, in milliseconds since 1970. */
const NOW = 1_767_225_600_000;
/** What the original sleeps between two checks, in seconds: as often as our units look at most. */
const SLEEP_S = 10;
/** More hooks than any wait takes. */
const MAX_WAITS = 100;
/** As many are tried where there is no deadline. */
const MAX_TRIES = 5;

/**
 * Runs a step.
 *
 * @throws {RangeError} the step names something that there is not
 */
export async function runEventStep(step: EventStep): Promise<EventOutcome> {
  const before = await new EventRun(step).look();
  return await new EventRun(step).run(before);
}

class EventRun {
  readonly #step: EventStep;
  readonly #place: EventWorld;
  readonly #script: EventScript;
  readonly #program: Program;
  readonly #unitHistory: EventStatus[] = [];
  readonly #appHistory: EventStatus[] = [];
  /** Handlers are running: afterwards the commit masks secrets in statuses, which sets them again. */
  #isHandling = false;
  #after: Json | undefined;
  #action: Json | undefined;

  constructor(step: EventStep) {
    this.#step = step;
    this.#place = eventWorld(step, NOW);
    this.#script = new EventScript(step);
    const source = { open: this.#script.ports.bind(this.#script), needs: [] };
    this.#program = {
      interfaces: [asyncReplicationPrimary(source), asyncReplicationReplica(source)],
      actions: asyncReplicationActions(source),
    };
  }

  /** The properties before the event. */
  async look(): Promise<Json> {
    const event = this.#event();
    const { session } = await this.#session(this.#hookRun(event));
    return await propertiesOf(session, event, this.#script.server(false));
  }

  async run(before: Json): Promise<EventOutcome> {
    let error: string | undefined;
    let waits = 0;
    const event = this.#event();
    const secretsBefore = structuredClone(this.#place.world.secrets);
    try {
      if (event) await this.#hook(event, true);
      else await this.#runAction();
      if (event?.kind === "relation" && event.phase === "broken") {
        for (let wait = this.#waitFor(event.endpoint.name); wait; wait = this.#waitFor(event.endpoint.name)) {
          // What has no deadline is tried again for ever, as long as the server says the same.
          if (wait.deadline === undefined && waits >= MAX_TRIES) break;
          if (++waits > MAX_WAITS) throw new RangeError("the wait never ends");
          await this.#wait(event.relationId);
        }
      }
    } catch (cause) {
      error = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    }
    const { world, ids } = this.#place;
    const { unit } = this.#step.state;
    const state = new UnitState(world.units[unit]?.state ?? {});
    const status = world.units[unit]?.status;
    const appStatus = world.applications[applicationOf(unit)]?.status;
    return {
      calls: this.#script.calls,
      error,
      unitStatus: [status?.status ?? "", status?.message ?? ""],
      appStatus: [appStatus?.status ?? "", appStatus?.message ?? ""],
      unitHistory: this.#unitHistory,
      appHistory: this.#appHistory,
      peer: peerAfter(this.#step, world),
      relations: bagsAfter(this.#step, world, ids),
      secrets: secretsAfter(this.#step, world, secretsBefore, ids),
      deferred: state.deferred.map(({ handler }) => ({ observer: observerOf(handler) })),
      action: this.#action,
      progress: world.actions[1]?.log ?? [],
      before,
      after: error === undefined ? this.#after : undefined,
      waits,
    };
  }

  #event(): HookEvent | undefined {
    return eventOfStep(this.#step, this.#place.charm);
  }

  #waitFor(endpoint: string): DeferredEntry | undefined {
    const { deferred } = new UnitState(this.#place.world.units[this.#step.state.unit]?.state ?? {});
    return deferred.find(({ handler }) => handler === `${endpoint}:broken`);
  }

  /** Where the original sleeps, time passes, and the next hook looks again. The relation is gone by then. */
  async #wait(relationId: number): Promise<void> {
    this.#script.sleep(SLEEP_S);
    this.#place.world.now += SLEEP_S * 1_000;
    delete this.#place.world.relations[relationId];
    await this.#hook({ kind: "lifecycle", name: "update-status", hook: "update-status" }, false);
  }

  /** @param isFirst the state of the trace is put in place of what the unit has stored */
  async #hook(event: HookEvent, isFirst: boolean): Promise<void> {
    const run = this.#hookRun(event);
    try {
      const { session, backend } = await this.#session(run, isFirst);
      const bindings = await activate(this.#place.charm, this.#program);
      await runPlan(session, event, planHook(event, bindings, session.state.deferred, session.now()));
      await this.#finish(run, session, backend);
    } catch (error) {
      discard(run);
      throw error;
    }
  }

  /** Looks at the properties, which see what is about to be written, and writes. */
  async #finish(run: HookRun, session: Session, backend: StateBackend): Promise<void> {
    this.#isHandling = false;
    this.#after = await propertiesOf(session, this.#event(), this.#script.server(false));
    await makeWrites(await planCommit(session, backend), () => session.log.flush());
    const result = commit(run);
    if (!result.ok) throw new Error(result.error);
  }

  async #runAction(): Promise<void> {
    const { name, params = {} } = this.#step.event;
    const action = await findAction(this.#place.charm, this.#program, name);
    const spec = this.#place.charm.actions[name];
    if (!action || !spec) throw new RangeError(`there is no action ${name}`);
    const run = this.#hookRun(undefined);
    const { session, backend } = await this.#session(run, true);
    const event = { kind: "action" as const, name, actionId: "1" };
    try {
      const ctx = new ActionContext(session, event, new ActionParams(spec, params), action.endpoint);
      this.#action = { results: await action.definition.run(ctx) ?? {} };
      await this.#finish(run, session, backend);
    } catch (error) {
      discard(run);
      if (!(error instanceof ActionFailed)) throw error;
      this.#action = { failed: error.message };
      this.#after = await propertiesOf(session, undefined, this.#script.server(false));
    }
  }

  #hookRun(event: HookEvent | undefined): HookRun {
    const { unit } = this.#step.state;
    const isRelation = event?.kind === "relation";
    return createHookRun(this.#place.world, {
      unit,
      kind: isRelation ? `relation-${event.phase}` : event?.name ?? "action",
      contextId: `${unit}-1`,
      ...(isRelation
        ? { relationId: event.relationId, remoteUnit: event.remoteUnit ?? "", remoteApp: event.remoteApp }
        : {}),
      ...(event === undefined ? { actionId: "1" } : {}),
    });
  }

  async #session(run: HookRun, isFirst = true) {
    const { world, charm } = this.#place;
    const commands = hookCommands(inProcessTransport(run));
    const backend = agentStore(commands);
    const state = new UnitState(await backend.load());
    if (isFirst) {
      state.deferred = deferredEntries(this.#step, charm, world.now);
      this.#report(state);
    }
    this.#isHandling = true;
    const isHandling = () => this.#isHandling;
    state.statuses.unit = recording(state.statuses.unit, this.#unitHistory, isHandling);
    state.statuses.application = recording(state.statuses.application, this.#appHistory, isHandling);
    const redactor = new Redactor();
    const session = new Session({
      environment: readJujuEnvironment({ JUJU_UNIT_NAME: this.#step.state.unit, JUJU_CHARM_DIR: "/" }),
      charm,
      commands,
      state,
      log: new Logger({ send: (level, line) => commands.model.log(level, line), printDebug: () => {} }, redactor),
      redactor,
      now: () => world.now,
    });
    return { session, backend };
  }

  /** The statuses of the trace were set by the side that the unit is related as. */
  #report({ statuses }: UnitState): void {
    const { relations, unit_status, app_status } = this.#step.state;
    const event = this.#event();
    const source = event?.kind === "relation" ? event.endpoint.name : relations[0]?.endpoint;
    if (source === undefined) return;
    if (unit_status[0] !== "unknown") statuses.unit[source] = unit_status;
    if (app_status[0] !== "unknown") statuses.application[source] = app_status;
  }
}

/** Notes every status that is set, also one that a later one replaces. */
function recording(
  statuses: Record<string, EventStatus>,
  history: EventStatus[],
  isHandling: () => boolean,
): Record<string, EventStatus> {
  return new Proxy(statuses, {
    set(target, source, value: EventStatus) {
      if (isHandling()) history.push(value);
      return Reflect.set(target, source, value);
    },
  });
}
