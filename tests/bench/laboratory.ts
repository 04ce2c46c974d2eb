/**
 * Charm directories, hook commands and the agent: everything that is needed to run a hook and time it.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { copyCharm, makeTools } from "../model/charm_files.ts";
import { hookEnvironment, type Subject } from "../model/environment.ts";
import type { Hook } from "../model/local_state.ts";
import type { WorldState } from "../model/state.ts";
import { BenchAgent } from "./agent.ts";
import { command, type Run } from "./command.ts";
import type { Peer } from "./peers.ts";
import { buildHookTool, type ProgramName, programPath } from "./programs.ts";
import { METADATA, publish, UNIT } from "./world.ts";

/** What one hook cost. */
export interface HookCost {
  /** Wall time of the whole process, in milliseconds. */
  readonly ms: number;
  readonly agentMs: number;
  readonly commands: readonly string[];
}

/** A hook of a charm in a model. */
export interface HookJob {
  /** Name of the charm's directory. */
  readonly charm: string;
  /** Program and arguments; a relative path is meant in the charm's directory. */
  readonly start: readonly [string, ...string[]];
  readonly world: WorldState;
  readonly hook: Hook;
  /** Which hook commands are on PATH; bare ones if left out. */
  readonly tools?: "bare" | "slow";
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the first remote unit publishes something new before, and the hook must write what follows from it. */
  readonly isChange?: boolean;
}

/** What the hook command as a process is: Go's, as Juju's own, or where there is no Go, this project's. */
export interface HookTool {
  readonly kind: "Go" | "Deno";
  readonly path: string;
}

/** Runs programs one at a time. */
export class Laboratory implements AsyncDisposable {
  readonly #root: string;
  readonly #agent = new BenchAgent();
  #contexts = 0;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Starts the agent and makes the hook commands. */
  static async open(tool: HookTool): Promise<Laboratory> {
    const root = await Deno.makeTempDir({ prefix: "charmlet-bench-" });
    await makeTools(join(root, "tools-bare"), tool.path);
    const laboratory = new Laboratory(root);
    await laboratory.#agent.open();
    return laboratory;
  }

  /**
   * Deploys a charm that has an executable of this project.
   *
   * @param charm name of its directory
   * @param metadata its metadata.yaml, or the directory that has it
   */
  async deploy(charm: string, program: ProgramName, metadata: { text: string } | { directory: string }): Promise<void> {
    const directory = join(this.#root, charm);
    if ("directory" in metadata) await copyCharm(metadata.directory, directory);
    await Deno.mkdir(join(directory, "hooks"), { recursive: true });
    await Deno.copyFile(programPath(program), join(directory, "hooks", "charmlet"));
    if ("text" in metadata) await Deno.writeTextFile(join(directory, "metadata.yaml"), metadata.text);
    await command(join(directory, "hooks", "charmlet"), ["link", directory]);
  }

  /** Deploys a peer's charm under the peer's name. */
  async deployPeer({ name, files }: Peer): Promise<void> {
    await copyCharm(files, join(this.#root, name));
    await Deno.writeTextFile(join(this.#root, name, "metadata.yaml"), METADATA);
  }

  /** Runs a program of this project without arguments. */
  async runProgram(program: ProgramName): Promise<Run> {
    return await command(programPath(program), []);
  }

  /**
   * Runs a hook in a fresh context that is dropped afterwards, so that the next run finds the same model.
   *
   * @throws {Error} the hook fails, or does not write what it should
   */
  async runHook(job: HookJob): Promise<HookCost> {
    const { ms, agentMs, commands } = await this.#run(job);
    return { ms, agentMs, commands };
  }

  /** Peak resident memory of a hook's first process, in bytes. */
  async memoryOf(job: HookJob): Promise<number> {
    return (await this.#run(job, true)).memory;
  }

  /**
   * Runs a hook like {@linkcode Laboratory.runHook}; also tells what it printed.
   *
   * @throws {Error} the hook fails, or does not write what it should
   */
  async trace(job: HookJob): Promise<HookCost & Run> {
    return await this.#run(job);
  }

  /** Runs `is-leader` as a process; its wall time in milliseconds. */
  async runTool(world: WorldState, tools: "bare" | "slow"): Promise<number> {
    const hook: Hook = { kind: "update-status", name: "update-status", seen: "" };
    const start = [join(this.#root, `tools-${tools}`, "is-leader"), "--format=json"] as const;
    return (await this.#run({ charm: "bench", start, world, hook, tools })).ms;
  }

  /**
   * Makes the slow hook commands.
   *
   * @param delayMs how much longer they take than the bare ones, in milliseconds
   * @throws {UnavailableError} there is no Go
   */
  async addSlowTools(delayMs: number): Promise<void> {
    await makeTools(join(this.#root, "tools-slow"), await buildHookTool(delayMs));
  }

  /** Removes what this charm's hooks keep between two of them, so that the next one is the first. */
  async forget(charm: string): Promise<void> {
    await Deno.remove(join(this.#root, charm, ".charmlet"), { recursive: true });
  }

  /** Stops the agent and removes the directories. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.close();
    await Deno.remove(this.#root, { recursive: true });
  }

  async #run(job: HookJob, watchMemory = false): Promise<HookCost & Run> {
    const { charm, start: [program, ...args] } = job;
    const seen = job.isChange ? publish(job.world, this.#contexts) : undefined;
    const env = await this.#begin(job);
    const directory = join(this.#root, charm);
    const result = await command(resolve(directory, program), args, { env, cwd: directory, watchMemory });
    const { agentMs, commands, written } = await this.#agent.end();
    if (written.seen !== seen) throw new Error(`${charm} wrote ${written.seen} in ${job.hook.name} instead of ${seen}`);
    return { ...result, agentMs, commands };
  }

  /** Gives the hook a fresh context, and returns its environment. */
  async #begin({ charm, world, hook, tools = "bare", env = {} }: HookJob): Promise<Record<string, string>> {
    const contextId = `${UNIT}-${hook.name}-${String(this.#contexts++).padStart(32, "0")}`;
    const relation = "relationId" in hook ? hook : undefined;
    await this.#agent.begin(world, {
      unit: UNIT,
      kind: hook.kind,
      contextId,
      relationId: relation?.relationId ?? null,
      remoteUnit: relation?.remoteUnit ?? null,
      remoteApp: relation?.remoteApp ?? null,
    });
    const subject: Subject = { kind: "hook", hook };
    const variables = hookEnvironment(world, {
      unit: UNIT,
      subject,
      contextId,
      charmDir: join(this.#root, charm),
      toolsDir: join(this.#root, `tools-${tools}`),
      socketAddress: this.#agent.address,
    });
    return { ...variables, ...env };
  }
}
