/**
 * The agents of a model and what makes them work.
 *
 * @module
 */
import { join } from "node:path";
import { ModelError } from "./checker.ts";
import { deployCharm } from "./charm_files.ts";
import type { ExecutionEnd, Wrap } from "./execution.ts";
import type { Fault, FaultPlan } from "./faults.ts";
import { type ExecRequest, newLocalState } from "./local_state.ts";
import { nextOperation, type Operation } from "./resolver.ts";
import { drive, mulberry32, type Player, type Random, randomHex, shuffle } from "./scheduler.ts";
import type { ActionTask, ApplicationState, WorldState } from "./state.ts";
import { type AgentHost, perform, type UnitAgent } from "./unit_agent.ts";
import { addUnit, createWorld, reconcile } from "./world.ts";

/** What a model is made with. */
export interface ModelOptions {
  /** Permutes what Juju leaves open: the order of units, of a unit's relations, and who leads. The same seed gives
   * the same run, with a concurrency of 1. */
  readonly seed?: number;
  /** `3.6.8` when absent. */
  readonly jujuVersion?: string;
  /** Form of the agents' sockets; `abstract` when absent. */
  readonly socket?: "abstract" | "path";
  /** Program behind the hook commands, found by the name it is called with. */
  readonly toolPath?: string;
  /** Units that run hooks at the same time: 2 when absent, 1 with a seed. */
  readonly concurrency?: number;
  /** How often a failed or killed hook is run again by itself, 3 when absent; 0: the unit waits to be resolved. */
  readonly retries?: number;
  /** A hook that takes longer is killed and has failed; 300,000 milliseconds when absent. */
  readonly hookTimeoutMs?: number;
  readonly faults?: readonly Fault[];
  /**
   * Makes a unit's hooks, actions and scripts run through another program, such as `ip netns exec NS` or `strace`.
   * See {@linkcode Wrap}.
   */
  readonly wrap?: Wrap;
}

/** How long agents work. */
export interface SettleOptions {
  /** More operations than these are an error; 2000 when absent. */
  readonly maxHooks?: number;
  /** Ends it early, before anybody gets another turn. */
  readonly until?: () => boolean;
}

/** How a drive is narrowed. */
export interface DriveOptions extends SettleOptions {
  readonly only?: string;
}

/** Where the units of an application go. */
export interface Places {
  readonly address?: (unit: number) => string;
  readonly machine?: (unit: number) => string;
}

/** World, agents and host of one model. */
export class Machinery {
  readonly world: WorldState;
  readonly host: AgentHost;
  readonly agents = new Map<string, UnitAgent>();
  readonly places = new Map<string, Places>();
  readonly #random: Random | undefined;
  readonly #began = performance.now();
  #machines = 0;
  #requests = 0;
  #drives: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(readonly root: string, readonly options: ModelOptions, faults: FaultPlan) {
    const world = createWorld(options.jujuVersion ?? "3.6.8");
    const digits = mulberry32(options.seed ?? 1);
    this.world = world;
    this.#random = options.seed === undefined ? undefined : mulberry32(options.seed);
    this.host = {
      world,
      faults,
      toolsDir: join(root, "tools"),
      wrap: options.wrap ?? ((_unit, command) => command),
      hookTimeoutMs: options.hookTimeoutMs ?? 300_000,
      elapsed: () => performance.now() - this.#began,
      newContextDigits: () => randomHex(32, digits),
      loseLeadership: (unit) => this.#loseLeadership(unit),
      processes: new Map(),
      timeline: [],
      retries: options.retries ?? 3,
    };
  }

  /**
   * The agent of a unit, also of one that is gone.
   *
   * @throws {ModelError} there never was such a unit
   */
  agent(unit: string): UnitAgent {
    const agent = this.agents.get(unit);
    if (!agent) throw new ModelError(`unit "${unit}" not found`);
    return agent;
  }

  /** Adds a unit with its agent and charm; returns its name. */
  async addUnit(app: ApplicationState): Promise<string> {
    const number = app.nextUnit;
    const name = `${app.name}/${number}`;
    const places = this.places.get(app.name);
    const index = ++this.#machines;
    const directory = join(this.root, "agents", `unit-${app.name}-${number}`);
    const charmDir = join(directory, "charm");
    const socket = join(directory, "agent.socket");
    // A socket's path must fit into 108 bytes; abstract names have the same limit.
    if (socket.length > 106) {
      throw new ModelError(`the path of ${name}'s socket is too long: shorten TMPDIR or its name`);
    }
    const charmFiles = await deployCharm(app.charmSource, charmDir, []);
    addUnit(this.world, app, {
      machine: places?.machine?.(number) ?? String(index - 1),
      address: places?.address?.(number) ?? `10.0.${index >> 8}.${index & 255}`,
      storageRoot: join(directory, "storage"),
    });
    this.agents.set(name, {
      unit: name,
      local: newLocalState(app.charmRevision),
      memory: { remoteBags: new Map() },
      directory,
      charmDir,
      charmFiles,
      socketAddress: this.options.socket === "path" ? socket : `@${socket}`,
      log: [],
      process: undefined,
      execResults: new Map(),
    });
    return name;
  }

  /** Asks for an action. */
  enqueue(unit: string, name: string, params: Record<string, unknown>): ActionTask {
    const id = String(this.world.nextAction++);
    const task: ActionTask = { id, unit, name, params, status: "pending", message: "", results: {}, log: [] };
    this.world.actions[id] = task;
    return task;
  }

  /** Cancels an action; see {@linkcode Model.cancel}. */
  cancel(id: string): void {
    const task = this.world.actions[id];
    if (!task) throw new ModelError(`action ${id} not found`);
    if (task.status !== "pending" && task.status !== "running") throw new ModelError(`action ${id} has ended`);
    const isRunning = task.status === "running";
    task.status = "aborted";
    task.message = "action cancelled";
    if (isRunning) this.agent(task.unit).process?.kill();
  }

  /** Runs a script on a unit. */
  async exec(unit: string, request: Omit<ExecRequest, "id">): Promise<ExecutionEnd> {
    const agent = this.agent(unit);
    const id = ++this.#requests;
    agent.local.exec.push({ ...request, id });
    await this.drive({ only: unit, until: () => agent.execResults.has(id) });
    const end = agent.execResults.get(id);
    if (end) return end;
    agent.local.exec = agent.local.exec.filter((other) => other.id !== id);
    throw new ModelError(`${unit} does not run commands: a hook is queued or the unit is not installed`);
  }

  /** What the controller does by itself; see world.ts. */
  reconcile(): void {
    const locals = new Map([...this.agents].map(([name, agent]) => [name, agent.local]));
    reconcile(this.world, locals, (candidates) => {
      return this.#random ? shuffle(candidates, this.#random)[0] : candidates[0];
    });
  }

  /** Lets agents work until nothing is due, or until told otherwise. Drives follow one another. */
  drive(options: DriveOptions): Promise<void> {
    const result = this.#drives.then(() => this.#drive(options));
    this.#drives = result.catch(() => {});
    return result;
  }

  async #drive({ maxHooks = 2000, only, until }: DriveOptions): Promise<void> {
    let left = maxHooks;
    this.reconcile();
    await drive<Operation>({
      concurrency: this.options.concurrency ?? (this.#random ? 1 : 2),
      random: this.#random,
      players: () => this.#players(only),
      due: (name) => this.#due(name),
      perform: async ({ name, task }) => {
        if (left-- <= 0) throw new ModelError(`no end after ${maxHooks} operations: ${this.#lastRuns()}`);
        try {
          await perform(this.host, this.agent(name), task);
        } finally {
          this.reconcile();
        }
      },
      until: () => this.#closed || until?.() === true,
    });
  }

  #players(only: string | undefined): Player[] {
    const names = only === undefined ? [...this.agents.keys()] : [only];
    return names.map((name) => ({ name, machine: this.world.units[name]?.machine ?? name }));
  }

  #due(name: string): Operation | null {
    const random = this.#random;
    const choices = random ? { relationOrder: (ids: readonly number[]) => shuffle(ids, random) } : {};
    return nextOperation(this.world, name, this.agent(name).local, choices);
  }

  #lastRuns(): string {
    return this.host.timeline.slice(-5).map((entry) => `${entry.unit} ${entry.name}`).join(", ");
  }

  /** The old leader's agent forgets at once, so that a unit that is elected again is told so. */
  #loseLeadership(unit: string): void {
    const app = this.world.applications[this.world.units[unit]?.app ?? ""];
    if (app?.leader !== unit) return;
    const others = Object.values(this.world.units)
      .filter((other) => other.app === app.name && other.life === "alive" && other.name !== unit)
      .map((other) => other.name);
    app.leader = (this.#random ? shuffle(others, this.#random)[0] : others[0]) ?? null;
    this.agent(unit).local.leader = false;
  }

  /** Ends everything; see {@linkcode Model.close}. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const kill of this.host.processes.values()) kill();
    await this.#drives;
    for (const kill of this.host.processes.values()) kill();
    await Deno.remove(this.root, { recursive: true });
  }
}
