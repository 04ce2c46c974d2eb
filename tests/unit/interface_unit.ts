/**
 * One unit of a charm with the executable's interfaces, for tests of those: hooks run through the dispatcher against the
 * simulated agent, in a model that the test writes down.
 *
 * @module
 */
import { RELATIONS } from "../conformance/relation_definitions.ts";
import type { Context } from "../../hooks/context.ts";
import { done } from "../../hooks/outcome.ts";
import { UnitState } from "../../hooks/state/unit_state.ts";
import type { TraceCase, TraceRelation, TraceStep } from "../conformance/trace_format.ts";
import { runHook } from "../conformance/trace_step.ts";
import { beginStep, charmOf, eventOf, traceWorld } from "../conformance/trace_world.ts";
import { discard } from "../model/commit.ts";

/** A databag. */
export type Bag = Record<string, string>;

/** A relation: the remote application, and the databags of the units that are in it. */
export interface TestRelation {
  readonly app: string;
  readonly units: Readonly<Record<string, Bag>>;
}

/** What a hook did. */
export interface HookOutcome<T> {
  /** What the charm's code returned. */
  readonly result: T;
  /** Flags that are set, sorted. */
  readonly flags: readonly string[];
  /** Lines of the log at WARNING or above, and of every other level. */
  readonly log: readonly string[];
}

/** A unit whose flags, state and databags last from hook to hook. */
export class TestUnit {
  /** By id, such as `etcd:0`. */
  relations: Record<string, TestRelation> = {};
  /** Databags of units that left, by relation and unit: they can be read as long as the relation lives. */
  readonly gone: Record<string, Bag> = {};
  /** Own databags, by relation. */
  readonly own: Record<string, Bag> = {};
  readonly name: string;
  readonly #case: TraceCase;
  readonly #world: ReturnType<typeof traceWorld>;

  /**
   * @param role of the endpoint
   * @param endpoint its name
   * @param network address that network-get gives; undefined: the endpoint has none
   */
  constructor(role: "peers" | "provides" | "requires", endpoint: string, iface: string, network?: string) {
    this.name = "app/0";
    this.#case = {
      id: "test",
      charm: { name: "app", relations: { [role]: { [endpoint]: { interface: iface } } } },
      unit: this.name,
      leader: false,
      config: {},
      network: network === undefined ? {} : { [endpoint]: network },
      private_address: "10.9.9.9",
      host_interfaces: {},
      steps: [],
    };
    this.#world = traceWorld(this.#case);
  }

  /** Model time in milliseconds since 1970. */
  set now(value: number) {
    this.#world.now = value;
  }

  /**
   * Runs a hook; `act` is the charm's code after the interface's handlers.
   *
   * @param hook such as `update-status` or `etcd-relation-joined`
   * @param about the relation's id and the remote unit of a relation hook
   * @throws what a handler throws; then nothing is kept
   */
  async hook<T = void>(
    hook: string,
    about: { readonly relation?: string; readonly unit?: string } = {},
    act?: (ctx: Context) => T | Promise<T>,
  ): Promise<HookOutcome<T>> {
    const { relation = "", unit = "" } = about;
    const step: TraceStep = {
      hook,
      env: {
        JUJU_RELATION_ID: relation,
        JUJU_REMOTE_UNIT: unit,
        JUJU_REMOTE_APP: this.relations[relation]?.app ?? "",
      },
      model: { relations: this.#model() },
      expect: { exit: 0, flags: [], databag: {} },
    };
    const charm = charmOf(this.#case);
    const event = eventOf(step, charm);
    const run = beginStep(this.#world, this.#case, step, event);
    let result: T | undefined;
    const when = [{
      name: "test",
      async run(ctx: Context) {
        result = await act?.(ctx);
        return done;
      },
    }];
    try {
      const handlers = { source: "", endpoint: undefined, definition: { when } };
      await runHook({ world: this.#world, charm, interfaces: RELATIONS }, this.name, run, event, handlers);
    } catch (error) {
      discard(run);
      throw error;
    }
    for (const id of Object.keys(this.relations)) {
      this.own[id] = { ...this.#world.relations[Number(id.split(":")[1])]?.unitBags[this.name] };
    }
    const { flags } = new UnitState(this.#world.units[this.name]?.state ?? {});
    const log = run.log.map(({ level, message }) => `${level} ${message}`);
    return { result: result as T, flags: [...flags].sort(), log };
  }

  /** Removes the flags and everything stored, as when another charm was installed before. */
  loseState(): void {
    const unit = this.#world.units[this.name];
    if (unit) unit.state = {};
  }

  #model(): Record<string, TraceRelation> {
    return Object.fromEntries(
      Object.entries(this.relations).map(([id, { app, units }]) => {
        const gone = Object.entries(this.gone).filter(([key]) => key.startsWith(`${id} `))
          .map(([key, bag]) => [key.slice(id.length + 1), bag] as const);
        const data = { ...Object.fromEntries(gone), ...units, [this.name]: this.own[id] ?? {} };
        return [id, { endpoint: id.split(":")[0] ?? "", app, members: Object.keys(units).sort(), data }];
      }),
    );
  }
}
