/**
 * Runs one hook of a trace: the dispatcher, the interface's module and the commit are those of the executable; only the
 * process and the wire are left out.
 *
 * @module
 */
import { activate } from "../../hooks/bindings.ts";
import type { CharmMetadata, Endpoint } from "../../hooks/charm/metadata.ts";
import { makeWrites, planCommit } from "../../hooks/commit.ts";
import type { Context } from "../../hooks/context.ts";
import type { Binding, InterfaceDefinition, LazyInterface } from "../../hooks/definition.ts";
import { runPlan } from "../../hooks/dispatch.ts";
import type { HookEvent } from "../../hooks/event.ts";
import { hookCommands } from "../../hooks/juju/commands.ts";
import { readJujuEnvironment } from "../../hooks/juju/environment.ts";
import { Logger } from "../../hooks/log.ts";
import { done } from "../../hooks/outcome.ts";
import { planHook } from "../../hooks/plan.ts";
import { Redactor } from "../../hooks/redact.ts";
import { Session } from "../../hooks/session.ts";
import { agentStore } from "../../hooks/state/agent_store.ts";
import { UnitState } from "../../hooks/state/unit_state.ts";
import { commit, discard } from "../model/commit.ts";
import type { HookRun } from "../model/hook_run.ts";
import { inProcessTransport } from "../model/in_process.ts";
import type { WorldState } from "../model/state.ts";
import { adapterFor, type Method, type Target } from "./trace_adapters.ts";
import type { CallResult, Json, Lookup, TraceCall, TraceContext, TraceStep } from "./trace_format.ts";
import { beginStep } from "./trace_world.ts";

/** What one hook did, in the words of a trace. */
export interface StepOutcome {
  readonly exit: number;
  readonly flags: readonly string[];
  readonly databag: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly calls: readonly CallResult[];
  /** Those that were asked for and that our API has; undefined when the hook failed. */
  readonly getters: Json | undefined;
  /** Why the hook failed. */
  readonly error: string | undefined;
}

/** What the hooks of one case share. */
export interface CaseRun {
  readonly world: WorldState;
  readonly charm: CharmMetadata;
  readonly interfaces: readonly (InterfaceDefinition | LazyInterface)[];
  /** Directory that `@/` stands for. */
  readonly scratch: string;
}

/** The charm of the trace fails on purpose. */
class CharmError extends Error {}

/** Runs a hook and commits it, or drops it when it fails. */
export async function runTraceStep(
  run: CaseRun,
  context: TraceContext,
  step: TraceStep,
  event: HookEvent,
): Promise<StepOutcome> {
  const hook = beginStep(run.world, context, step, event);
  const script = new CharmScript(run, context, step);
  let error: string | undefined;
  try {
    await runHook(run, context.unit, hook, event, script.binding());
  } catch (cause) {
    discard(hook);
    error = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  }
  const state = new UnitState(run.world.units[context.unit]?.state ?? {});
  return {
    exit: error === undefined ? 0 : 1,
    flags: [...state.flags].filter((flag) => !flag.startsWith("endpoint.")).sort(),
    databag: Object.fromEntries(
      Object.keys(step.model.relations).map((id) => {
        const relation = run.world.relations[Number(id.slice(id.lastIndexOf(":") + 1))];
        return [id, { ...relation?.unitBags[context.unit] }];
      }),
    ),
    calls: script.calls,
    getters: error === undefined ? script.getters : undefined,
    error,
  };
}

/**
 * Runs a hook as the executable does after routing, and commits it.
 *
 * @param charm the charm's own handlers; their flag handlers run after the interfaces' handlers
 * @throws whatever a handler throws; then the caller drops what the hook buffered
 */
export async function runHook(
  run: Pick<CaseRun, "world" | "charm" | "interfaces">,
  unit: string,
  hook: HookRun,
  event: HookEvent,
  charm: Binding,
): Promise<void> {
  const commands = hookCommands(inProcessTransport(hook));
  const backend = agentStore(commands);
  const state = new UnitState(await backend.load());
  const redactor = new Redactor();
  const session = new Session({
    environment: readJujuEnvironment({ JUJU_UNIT_NAME: unit, JUJU_CHARM_DIR: "/" }),
    charm: run.charm,
    commands,
    state,
    log: new Logger({ send: (level, line) => commands.model.log(level, line), printDebug: () => {} }, redactor),
    redactor,
    now: () => run.world.now,
  });
  const interfaces = await activate(run.charm, { interfaces: run.interfaces, actions: [] });
  const bindings = [...interfaces, charm];
  await runPlan(session, event, planHook(event, bindings, state.deferred, session.now()));
  await makeWrites(await planCommit(session, backend), () => session.log.flush());
  await session.log.flush();
  const result = commit(hook);
  if (!result.ok) throw new Error(result.error);
}

/** What the charm of a trace does in one hook. */
class CharmScript {
  readonly calls: CallResult[] = [];
  readonly getters: Record<string, unknown> = {};
  readonly #run: CaseRun;
  readonly #context: TraceContext;
  readonly #step: TraceStep;

  constructor(run: CaseRun, context: TraceContext, step: TraceStep) {
    this.#run = run;
    this.#context = context;
    this.#step = step;
  }

  /** A flag handler without condition: it runs once, after the handlers of the event. */
  binding(): Binding {
    const run = async (ctx: Context) => {
      await this.#perform(ctx);
      return done;
    };
    return { source: "", endpoint: undefined, definition: { when: [{ name: "trace", run }] } };
  }

  async #perform(ctx: Context): Promise<void> {
    for (const call of this.#step.calls ?? []) this.calls.push(await this.#call(ctx, call));
    for (const [key, expected] of Object.entries(this.#step.expect.getters ?? {})) {
      const [, flag] = /^flag (.+)$/.exec(key) ?? [];
      if (flag !== undefined) this.getters[key] = await this.#getters(ctx, { flag }, expected as Json);
      else Object.assign(this.getters, await this.#flatGetter(ctx, key));
    }
    if (this.#step.charm_raises) throw new CharmError("the charm fails on purpose");
  }

  async #call(ctx: Context, call: TraceCall): Promise<CallResult> {
    const target = this.#lookup(ctx, call.via);
    if (target === undefined) return { no_endpoint: true };
    const method = target.methods[call.method];
    if (!method) throw new RangeError(`the adapter has no method ${call.method}`);
    const args = (call.args ?? []).map((arg) => this.#inScratch(arg));
    try {
      const result = await method({ ctx, ...target, context: this.#context }, args) ?? null;
      return { result, files_after: await filesBelow(this.#run.scratch) };
    } catch (error) {
      if (call.caught === false) throw error;
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  async #getters(ctx: Context, via: Lookup, expected: Json): Promise<Json> {
    const target = this.#lookup(ctx, via);
    if (target === undefined) return { no_endpoint: true };
    const found: Record<string, unknown> = {};
    for (const key of Object.keys(expected)) {
      const [name = "", ...rest] = key.split(":");
      const method = target.methods[name];
      const args = rest.length > 0 ? [rest.join(":")] : [];
      if (method) found[key] = await this.#get(method, { ctx, ...target, context: this.#context }, args);
    }
    return found;
  }

  /** Getters look and change nothing: one that raises does not fail the hook. */
  async #get(method: Method, target: Target, args: readonly unknown[]): Promise<unknown> {
    try {
      return await method(target, args);
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  async #flatGetter(ctx: Context, key: string): Promise<Json> {
    const [endpoint] = this.#run.charm.endpoints;
    const target = endpoint && this.#target(endpoint, undefined);
    const method = target?.methods[key];
    if (!target || !method) return {};
    return { [key]: await this.#get(method, { ctx, ...target, context: this.#context }, []) };
  }

  /** A flag that is not set, and an endpoint that the charm does not have, give nothing. */
  #lookup(ctx: Context, via: Lookup) {
    if ("name" in via) {
      const endpoint = this.#run.charm.endpoints.find(({ name }) => name === via.name);
      return endpoint && this.#target(endpoint, undefined);
    }
    if (!ctx.flags.has(via.flag)) return undefined;
    const endpoint = this.#run.charm.endpoints.find(({ name }) => via.flag.startsWith(`${name}.`));
    return endpoint && this.#target(endpoint, via.flag.slice(endpoint.name.length + 1));
  }

  #target(endpoint: Endpoint, flag: string | undefined) {
    const methods: Readonly<Record<string, Method>> = adapterFor(endpoint.interface, endpoint.role) ?? {};
    return { endpoint: endpoint.name, flag, methods };
  }

  #inScratch(arg: unknown): unknown {
    return typeof arg === "string" && arg.startsWith("@/") ? `${this.#run.scratch}/${arg.slice(2)}` : arg;
  }
}

async function filesBelow(dir: string, prefix = ""): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of Deno.readDir(dir)) {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory) Object.assign(files, await filesBelow(path, `${prefix}${entry.name}/`));
    else files[prefix + entry.name] = await Deno.readTextFile(path);
  }
  return files;
}
