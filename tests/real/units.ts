/**
 * Charms whose units run real servers on this machine: each unit has a loopback address and a data directory of its own,
 * its hooks are run by the compiled executable under the simulated agent.
 *
 * @module
 */
import { join } from "node:path";
import { isThere } from "../../interfaces/clients/files.ts";
import { executableOf } from "../model/built_charm.ts";
import type { Wrap } from "../model/execution.ts";
import { type DeployOptions, Model, type ModelOptions } from "../model/mod.ts";
import { assertNoSecretShows, findSecrets, secretsInModel } from "./units_canaries.ts";
import { prepareCharm } from "./units_charms.ts";
import { describe } from "./units_diagnosis.ts";
import { clearProcesses, findProcesses, type FoundProcess, sendSignal } from "./units_processes.ts";
import { watchProcesses } from "./units_watch.ts";

/** How long conditions are waited for, in milliseconds: machines are slow and busy. */
const PATIENCE_MS = 120_000;
const POLL_MS = 100;
const SETTLE_PAUSE_MS = 250;
/** On a busy machine a single look may take longer than the patience is. */
const MIN_LOOKS = 10;

/** What {@linkcode openLab} is told, beside what the model is. */
export interface LabOptions extends ModelOptions {
  /** Program name of the servers under test, such as `etcd`: what is killed and paused. */
  readonly server: string;
}

/** What is deployed; the rest is as the model has it. */
export interface LabDeployOptions extends Omit<DeployOptions, "charm" | "name"> {
  /** Folder below tests/charms; its `charm.ts` is the program, without one it is the standard executable. */
  readonly charm: string;
  /** Name of the application; that of the charm when absent. */
  readonly name?: string;
  /** Whether it has no option `data-directory`. */
  readonly keepsNothing?: boolean;
}

/** Units with real servers; see {@linkcode openLab}. */
export class Lab implements AsyncDisposable {
  /** Changes the command of a run, as the model's `wrap` does; may be set and taken away at any time. */
  intercept: Wrap | undefined;
  /** Milliseconds since 1970. */
  readonly began: number = Date.now();
  /** What the process list has shown since then. */
  readonly watch = watchProcesses();
  /** What was secret in the model at some time; see {@linkcode secretsInModel}. */
  readonly secrets = new Set<string>();
  readonly #charms = new Map<string, Promise<string>>();
  readonly #network: readonly [number, number];

  constructor(readonly model: Model, readonly directory: string, readonly server: string) {
    const [a = 0, b = 0] = crypto.getRandomValues(new Uint8Array(2));
    // 127.0 is everybody's.
    this.#network = [a % 254 + 1, b];
  }

  /** The option `data-directory` of all applications. */
  get dataDirectory(): string {
    return join(this.directory, "data");
  }

  /**
   * An address of this machine that nobody else is likely to use.
   *
   * @param unit number of the unit, 0 to 253
   * @param application number of the application, 0 to 255
   */
  address(unit: number, application = 0): string {
    const [a, b] = this.#network;
    return `127.${a}.${(b + application) % 256}.${unit + 1}`;
  }

  /** Deploys a charm; nothing runs yet. Each unit has an address of its own unless told otherwise. */
  async deploy(options: LabDeployOptions): Promise<void> {
    const { charm, name = charm, keepsNothing = false, config = {}, ...rest } = options;
    const application = Object.keys(this.model.world.applications).length;
    await this.model.deploy({
      address: (unit) => this.address(unit, application),
      ...rest,
      name,
      charm: await this.#prepare(charm),
      config: keepsNothing ? config : { "data-directory": this.dataDirectory, ...config },
    });
  }

  /** Where a unit keeps everything. */
  unitDirectory(unit: string): string {
    return join(this.dataDirectory, unit.replace("/", "-"));
  }

  /** What runs for a unit now: its server, and whatever keeps it running. */
  processes(unit: string): FoundProcess[] {
    return findProcesses(this.unitDirectory(unit));
  }

  /** The server's own process, if it runs. */
  serverPid(unit: string, server: string = this.server): number | undefined {
    return this.processes(unit).find((found) => found.program === server)?.pid;
  }

  /** Kills a unit's server at once; whatever keeps it running may start it again. */
  async killServer(unit: string): Promise<void> {
    const pid = this.#running(unit);
    sendSignal(pid, "SIGKILL");
    await this.waitFor(`the end of ${unit}'s ${this.server}`, () => this.serverPid(unit) !== pid);
  }

  /** Stops a unit's server from doing anything; its sockets stay open. */
  pauseServer(unit: string): void {
    sendSignal(this.#running(unit), "SIGSTOP");
  }

  /** Lets a paused server go on. */
  resumeServer(unit: string): void {
    sendSignal(this.#running(unit), "SIGCONT");
  }

  /** Deletes what is below a unit's directory, its servers killed before: as a lost disk. */
  async wipeData(unit: string, ...paths: string[]): Promise<void> {
    await clearProcesses(this.unitDirectory(unit), 0);
    for (const path of paths.length === 0 ? [""] : paths) {
      await Deno.remove(join(this.unitDirectory(unit), path), { recursive: true });
    }
  }

  /** A unit's status as `active: all well`. */
  statusOf(unit: string): string {
    const { agentStatus, status } = this.model.world.units[unit] ?? {};
    if (agentStatus?.status === "error") return `error: ${agentStatus.message}`;
    return `${status?.status}: ${status?.message}`;
  }

  /** The units of an application that are there now, in the order of their numbers. */
  unitsOf(app: string): string[] {
    const number = (unit: string) => Number(unit.split("/")[1]);
    return Object.values(this.model.world.units).filter((unit) => unit.app === app).map(({ name }) => name)
      .sort((a, b) => number(a) - number(b));
  }

  /**
   * Waits for a condition; no hook runs by this.
   *
   * @param what shown when patience is at its end, in the words of "waited for"
   * @param condition true, or anything that is neither false nor undefined; an error counts as not yet
   * @returns what the condition returned
   */
  waitFor<T>(what: string, condition: () => T | Promise<T>, patienceMs = PATIENCE_MS): Promise<Met<T>> {
    return this.#until(what, condition, patienceMs, POLL_MS, () => Promise.resolve());
  }

  /**
   * Runs the hooks that are due, and `update-status` again and again, until a condition holds between two rounds.
   *
   * @param what shown when patience is at its end
   * @param condition see {@linkcode Lab.waitFor}
   */
  settleUntil<T>(what: string, condition: () => T | Promise<T>, patienceMs = PATIENCE_MS): Promise<Met<T>> {
    let rounds = 0;
    return this.#until(what, condition, patienceMs, SETTLE_PAUSE_MS, async () => {
      if (rounds++ > 0) this.model.updateStatus();
      await this.model.settle();
      for (const secret of secretsInModel(this.model)) this.secrets.add(secret);
    });
  }

  /** What a reader needs to see why a test failed. */
  describe(): Promise<string> {
    return describe(this.model, this.dataDirectory);
  }

  /** Ends every process of every unit, and deletes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.watch[Symbol.dispose]();
    await this.model.close();
    await clearProcesses(this.directory);
    await Deno.remove(this.directory, { recursive: true });
  }

  #running(unit: string): number {
    const pid = this.serverPid(unit);
    if (pid === undefined) throw new Error(`${unit} runs no ${this.server}`);
    return pid;
  }

  async #until<T>(
    what: string,
    condition: () => T | Promise<T>,
    patienceMs: number,
    pauseMs: number,
    before: () => Promise<void>,
  ): Promise<Met<T>> {
    const deadline = Date.now() + patienceMs;
    for (let looks = 1, why = "never true";; looks++) {
      await before();
      try {
        const result = await condition();
        if (isMet(result)) return result;
        why = "never true";
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
      }
      if (Date.now() > deadline && looks >= MIN_LOOKS) {
        throw new Error(
          `waited ${patienceMs} ms, and looked ${looks} times, for ${what}: ${why}\n${this.model.formatStatus()}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  #prepare(name: string): Promise<string> {
    const known = this.#charms.get(name);
    if (known) return known;
    const made = prepareCharm(name, join(this.directory, "charms", name));
    this.#charms.set(name, made);
    return made;
  }
}

/** What a condition returned when it held. */
type Met<T> = Exclude<T, undefined | false>;

function isMet<T>(result: T): result is Met<T> {
  return result !== undefined && result !== false;
}

/**
 * Opens a place for units: `await using lab = await openLab({ server: "etcd" })`.
 *
 * @param options the server's program name, and what the model is told
 */
export async function openLab({ server, ...options }: LabOptions): Promise<Lab> {
  const toolPath = await executableOf("tests/model/hook_tool.ts", "jujuc");
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "charmlet-units-" }));
  // Servers run as users of their own.
  await Deno.chmod(directory, 0o755);
  await Deno.mkdir(join(directory, "data"));
  const prefix = await hideSystemd();
  const { wrap = (_unit, command) => command } = options;
  const model = await Model.create({
    toolPath,
    ...options,
    wrap: (unit, command, name) => {
      const wrapped = wrap(unit, command, name);
      return [...prefix, ...lab.intercept?.(unit, wrapped, name) ?? wrapped];
    },
  });
  const lab = new Lab(model, directory, server);
  return lab;
}

/** Units of this machine's systemd would outlive the test, and there would be one `etcd-0` for all tests. */
async function hideSystemd(): Promise<string[]> {
  if (!await isThere("/run/systemd/system")) return [];
  return ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run/systemd && exec "$@"', "sh"];
}

/**
 * Runs a test in a lab, in which no secret may show; when it fails, what happened is printed before everything is deleted.
 *
 * @param options see {@linkcode openLab}
 * @param test the test
 */
export async function withLab(options: LabOptions, test: (lab: Lab) => Promise<void>): Promise<void> {
  await using lab = await openLab(options);
  try {
    await test(lab);
    await assertNoSecretShows(lab, [...lab.secrets, ...await findSecrets(lab)]);
  } catch (error) {
    console.log(await lab.describe());
    throw error;
  }
}
