/**
 * The simulated Juju: what an operator does with the `juju` command, against charms that run as real processes.
 *
 * @module
 */
import { join } from "node:path";
import { checkAction, findApplication, findUnit, ModelError } from "./checker.ts";
import { makeTools } from "./charm_files.ts";
import { type ConfigValues, Deployment, type DeployOptions } from "./deployment.ts";
import type { UnitLogLine } from "./execution.ts";
import { addFault, createFaultPlan, type Fault } from "./faults.ts";
import { commitHook, type Hook, type WorkloadDetail, type WorkloadKind } from "./local_state.ts";
import { Machinery, type ModelOptions, type SettleOptions } from "./machinery.ts";
import { findRelationId } from "./relation_resolver.ts";
import type { ActionTask, RelationState, WorldState } from "./state.ts";
import { formatStatus, type TimelineEntry } from "./timeline.ts";

export type { ConfigValues, DeployOptions, ModelOptions, SettleOptions };

/** What `juju exec` left. */
export interface ExecResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why nothing was committed; empty otherwise. */
  readonly error: string;
}

/** A simulated Juju. Nothing runs by itself: operations change the model, {@linkcode Model.settle} lets agents work. */
export class Model extends Deployment {
  /**
   * Makes an empty model with a directory of its own under the system's temporary one.
   *
   * @param options seed, release, socket form and limits
   */
  static async create(options: ModelOptions = {}): Promise<Model> {
    const root = await Deno.makeTempDir({ prefix: "juju-model-" });
    await makeTools(join(root, "tools"), options.toolPath);
    return new Model(new Machinery(await Deno.realPath(root), options, createFaultPlan(options.faults ?? [])));
  }

  /** Every run so far, in the order in which they ended. */
  get timeline(): readonly TimelineEntry[] {
    return this.machinery.host.timeline;
  }

  /** Directory that holds the charms of all units, the hook commands and the agents' sockets. */
  get root(): string {
    return this.machinery.root;
  }

  /** Ids of the processes that hooks and actions are now, and of those that they left behind. */
  get processes(): readonly number[] {
    return [...this.machinery.host.processes.keys()];
  }

  /**
   * Runs an action as `juju run` does. The unit may run hooks that are due before it.
   *
   * @param unit the unit
   * @param action name of the action
   * @param params its parameters
   * @throws {ModelError} the action or a parameter is unknown
   */
  async run(unit: string, action: string, params: Readonly<Record<string, unknown>> = {}): Promise<ActionTask> {
    const task = this.enqueue(unit, action, params);
    await this.machinery.drive({ only: unit, until: () => task.status !== "pending" && task.status !== "running" });
    if (task.status !== "pending") return task;
    throw new ModelError(`${unit} does not run action "${action}": a hook is queued or the unit is not installed`);
  }

  /**
   * Asks for an action without waiting for it.
   *
   * @param unit the unit
   * @param action name of the action
   * @param params its parameters
   * @throws {ModelError} the action or a parameter is unknown
   */
  enqueue(unit: string, action: string, params: Readonly<Record<string, unknown>> = {}): ActionTask {
    const { app } = findUnit(this.world, unit);
    const checked = checkAction(findApplication(this.world, app).charm, action, params);
    return this.machinery.enqueue(unit, action, checked);
  }

  /**
   * Cancels an action: one that runs is killed.
   *
   * @param id its id
   * @throws {ModelError} there is no such action, or it has ended
   */
  cancel(id: string): void {
    this.machinery.cancel(id);
  }

  /**
   * Runs a script on a unit as `juju exec` does.
   *
   * @param unit the unit
   * @param script commands for bash
   * @param context the relation whose context it gets, as `db:1` or 1, and its remote unit
   * @throws {ModelError} the unit or relation does not exist, or the unit cannot run it now
   */
  async exec(
    unit: string,
    script: string,
    context: { relation?: string | number; remoteUnit?: string } = {},
  ): Promise<ExecResult> {
    const { app } = findUnit(this.world, unit);
    const relationId = context.relation === undefined ? null : findRelationId(this.world, app, context.relation);
    if (relationId === undefined) throw new ModelError(`${unit} has no relation "${context.relation}"`);
    const end = await this.machinery.exec(unit, { script, relationId, remoteUnit: context.remoteUnit ?? "" });
    const decoder = new TextDecoder();
    return { code: end.exit, stdout: decoder.decode(end.stdout), stderr: decoder.decode(end.stderr), error: end.error };
  }

  /**
   * Tells a unit about one of its containers.
   *
   * @param unit the unit
   * @param kind what happened
   * @param detail the container, and the notice or check
   * @throws {ModelError} the charm has no such container
   */
  notify(unit: string, kind: WorkloadKind, detail: WorkloadDetail): void {
    const { charm } = findApplication(this.world, findUnit(this.world, unit).app);
    if (!charm.containers.includes(detail.container)) {
      throw new ModelError(`charm "${charm.name}" has no container "${detail.container}"`);
    }
    this.machinery.agent(unit).local.workload.push({ kind, name: `${detail.container}-${kind}`, ...detail });
  }

  /**
   * Plants a fault into runs to come.
   *
   * @param fault what goes wrong, where and when
   */
  addFault(fault: Fault): void {
    addFault(this.machinery.host.faults, fault);
  }

  /** Takes back the faults that have been planted. */
  clearFaults(): void {
    this.machinery.host.faults.entries.length = 0;
  }

  /**
   * Moves the model's clock on: secrets rotate and expire by it.
   *
   * @param ms milliseconds
   */
  tick(ms: number): void {
    this.world.now += ms;
  }

  /**
   * Makes `update-status` due: it runs when a unit has nothing else to do.
   *
   * @param app only the units of this application
   */
  updateStatus(app?: string): void {
    if (app !== undefined) findApplication(this.world, app);
    for (const agent of this.machinery.agents.values()) {
      if (app === undefined || this.world.units[agent.unit]?.app === app) agent.local.updateStatusWanted++;
    }
  }

  /**
   * Lets the agents work until nothing is due.
   *
   * @param options the most hooks to run, and what ends it early
   * @throws {ModelError} a hook failed more often than the model retries, or there is no end
   */
  async settle(options: SettleOptions = {}): Promise<void> {
    await this.machinery.drive(options);
  }

  /**
   * Resolves a unit in error, as `juju resolved` does.
   *
   * @param unit the unit
   * @param options whether its hook runs again (the default) or counts as done
   * @throws {ModelError} the unit is not in error
   */
  resolved(unit: string, options: { retry?: boolean } = {}): void {
    const state = findUnit(this.world, unit);
    const { local } = this.machinery.agent(unit);
    if (!local.failed) throw new ModelError(`unit "${unit}" is not in an error state`);
    local.attemptsSinceResolved = 0;
    if (options.retry ?? true) local.retry = true;
    else {
      commitHook(local, local.failed);
      state.agentStatus = { status: "idle", message: "", since: this.world.now };
    }
  }

  /** A copy of everything that the controller knows now. */
  status(): WorldState {
    return structuredClone(this.world);
  }

  /** The status as a table like that of `juju status`. */
  formatStatus(): string {
    return formatStatus(this.world);
  }

  /**
   * A relation by its id.
   *
   * @param id the id
   * @throws {ModelError} there is none
   */
  relation(id: number): RelationState {
    const relation = this.world.relations[id];
    if (!relation) throw new ModelError(`relation ${id} not found`);
    return relation;
  }

  /**
   * The log of a unit, that of its hooks' output included.
   *
   * @param unit the unit
   * @throws {ModelError} there never was such a unit
   */
  log(unit: string): readonly UnitLogLine[] {
    return this.machinery.agent(unit).log;
  }

  /**
   * The charm directory of a unit.
   *
   * @param unit the unit
   */
  charmDir(unit: string): string {
    return this.machinery.agent(unit).charmDir;
  }

  /** The hook that a unit failed or has queued; null when there is none. */
  pending(unit: string): Hook | null {
    const { local } = this.machinery.agent(unit);
    return local.failed ?? local.queued;
  }

  /** Kills every process that hooks started, and removes the model's directory. */
  async close(): Promise<void> {
    await this.machinery.close();
  }

  /** The same as {@linkcode Model.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
