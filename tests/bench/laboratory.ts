/**
 * Compiled programs, charm directories and the agent: everything that is needed to run a hook and time it.
 *
 * @module
 */
import { basename, join } from "node:path";
import { compileExecutable } from "../../build/compile.ts";
import { projectDir } from "../../build/project.ts";
import { makeTools } from "../model/charm_files.ts";
import { hookEnvironment, type Subject } from "../model/environment.ts";
import type { Hook } from "../model/local_state.ts";
import type { WorldState } from "../model/state.ts";
import { BenchAgent } from "./agent.ts";
import { MAGPIE } from "./magpie.ts";
import { METADATA, UNIT } from "./world.ts";

/** Programs that are measured, and the tool that hook commands are as processes. */
const ENTRIES = {
  hello: "tests/bench/hello.ts",
  bench: "tests/bench/charm.ts",
  charmlet: "mod.ts",
  jujuc: "tests/model/hook_tool.ts",
} as const;

/** Name of a compiled program. */
export type Program = keyof typeof ENTRIES;

/** What one hook cost. */
export interface HookCost {
  /** Wall time of the whole process, in milliseconds. */
  readonly ms: number;
  readonly agentMs: number;
  readonly commands: readonly string[];
}

/** A hook of a charm in a model. */
export interface HookJob {
  readonly program: "bench" | "charmlet" | "etcd" | "magpie";
  readonly world: WorldState;
  readonly hook: Hook;
  readonly transport: "native" | "process";
}

/** Runs programs one at a time. */
export class Laboratory implements AsyncDisposable {
  readonly #root: string;
  readonly #agent = new BenchAgent();
  #contexts = 0;

  private constructor(root: string) {
    this.#root = root;
  }

  /**
   * Compiles everything afresh and deploys each charm program in a directory of its own.
   *
   * @throws {BuildError} a program cannot be compiled
   */
  static async open(): Promise<Laboratory> {
    for (const [name, entry] of Object.entries(ENTRIES)) {
      const output = join(projectDir, "dist", name);
      // The floor is what `deno compile` alone makes.
      await compileExecutable({ entry: join(projectDir, entry), output, codeCache: name !== "hello" });
    }
    const root = await Deno.makeTempDir({ prefix: "charmlet-bench-" });
    await makeTools(join(root, "tools"), join(projectDir, "dist", "jujuc"));
    const yaml = { bench: METADATA, charmlet: METADATA, etcd: METADATA.replace("interface: bench", "interface: etcd") };
    for (const [program, metadata] of Object.entries(yaml)) {
      const executable = program === "bench" ? "bench" : "charmlet";
      await Deno.mkdir(join(root, program, "hooks"), { recursive: true });
      await Deno.copyFile(join(projectDir, "dist", executable), join(root, program, "hooks", "charmlet"));
      await Deno.writeTextFile(join(root, program, "metadata.yaml"), metadata);
      await command(join(root, program, "hooks", "charmlet"), ["link", join(root, program)]);
    }
    await Deno.mkdir(join(root, "magpie", "hooks"), { recursive: true });
    await Deno.copyFile(join(projectDir, "dist", "charmlet"), join(root, "magpie", "hooks", "charmlet"));
    for (const file of ["metadata.yaml", "config.yaml", "actions.yaml"]) {
      await Deno.copyFile(join(MAGPIE, file), join(root, "magpie", file));
    }
    await command(join(root, "magpie", "hooks", "charmlet"), ["link", join(root, "magpie")]);
    const laboratory = new Laboratory(root);
    await laboratory.#agent.open();
    return laboratory;
  }

  /** Runs a program without arguments; its wall time in milliseconds. */
  async runProgram(program: Program): Promise<number> {
    return (await command(join(projectDir, "dist", program))).ms;
  }

  /**
   * Runs a hook in a fresh context that is dropped afterwards, so that the next run finds the same model.
   *
   * @throws {Error} the hook fails, or a hook that changes something wrote nothing
   */
  async runHook(job: HookJob): Promise<HookCost> {
    const { ms, agentMs, commands } = await this.#run(job);
    return { ms, agentMs, commands };
  }

  /** Peak resident memory of a hook's process, in bytes, as the kernel counts it until the end of the process. */
  async memoryOf(job: HookJob): Promise<number> {
    const { stdout } = await this.#run(job, { BENCH_MEMORY: "1" });
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(stdout)?.[1];
    if (kibibytes === undefined) throw new Error(`${job.program} does not tell its memory: see tests/bench/charm.ts`);
    return Number(kibibytes) * 1024;
  }

  /** Runs `is-leader` as a process; its wall time in milliseconds. */
  async runTool(world: WorldState): Promise<number> {
    const hook: Hook = { kind: "update-status", name: "update-status", seen: "" };
    const env = await this.#begin({ program: "bench", world, hook, transport: "process" });
    const { ms } = await command(join(this.#root, "tools", "is-leader"), ["--format=json"], env);
    await this.#agent.end();
    return ms;
  }

  /** Size of a compiled program, in bytes. */
  async sizeOf(program: Program): Promise<number> {
    return (await Deno.stat(join(projectDir, "dist", program))).size;
  }

  /** Stops the agent and removes the directories. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.close();
    await Deno.remove(this.#root, { recursive: true });
  }

  async #run(job: HookJob, more: Readonly<Record<string, string>> = {}) {
    const env = await this.#begin(job);
    const path = join(this.#root, job.program, "hooks", job.hook.name);
    const { ms, stdout } = await command(path, [], { ...env, ...more }, join(this.#root, job.program));
    const { agentMs, commands, written } = await this.#agent.end();
    if (job.program === "bench" && job.hook.kind === "relation-changed" && !written.includes("seen")) {
      throw new Error(`${job.hook.name} wrote nothing`);
    }
    return { ms, stdout, agentMs, commands };
  }

  /** Gives the hook a fresh context, and returns its environment. */
  async #begin({ program, world, hook, transport }: HookJob): Promise<Record<string, string>> {
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
    const env = hookEnvironment(world, {
      unit: UNIT,
      subject,
      contextId,
      charmDir: join(this.#root, program),
      toolsDir: join(this.#root, "tools"),
      socketAddress: this.#agent.address,
    });
    return transport === "process" ? { ...env, CHARMLET_HOOK_COMMANDS: "process" } : env;
  }
}

/** Runs a program in a clean environment, as the agent does. */
async function command(path: string, args: string[] = [], env: Record<string, string> = {}, cwd = "/") {
  const start = performance.now();
  const { success, code, stdout, stderr } = await new Deno.Command(path, { args, env, cwd, clearEnv: true }).output();
  const ms = performance.now() - start;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${basename(path)} ended with ${code}: ${text(stderr).trim()}`);
  return { ms, stdout: text(stdout) };
}
