/**
 * An agent's process that is killed while its hook runs: the hook has lost its socket, and whoever reads what it prints.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { chooseRegistry, denoFlags } from "../../build/registry.ts";
import { projectDir } from "../../build/project.ts";
import type { HookEnd } from "./agent_process.ts";
import { writeCharms } from "./deployed.ts";

/** How long a hook may go on without its agent, in milliseconds, on however busy a machine. */
const ORPHAN_LIMIT_MS = 60_000;

/**
 * Kills the agent's process at each hook command of a hook; each time another agent runs the hook again.
 *
 * @returns how often it was killed
 * @throws {AssertionError} a hook outlived its agent, left a damaged file, or ended otherwise when it was run again
 */
export async function surviveDeadAgents(): Promise<number> {
  const charms = await writeCharms();
  try {
    const undisturbed = endOf(await runAgent(charms));
    assertEquals([undisturbed.code, undisturbed.stderr], [0, ""]);
    const files = await keptFiles(charms);
    for (let command = 1; command <= undisturbed.commands; command++) {
      await Deno.remove(join(charms, "worker", ".charmlet"), { recursive: true });
      const { signal, lines: [pid] } = await runAgent(charms, command);
      assertEquals(signal, "SIGKILL");
      await ended(Number(pid));
      // What it keeps of the charm's files is there as a whole, or not at all.
      for (const [path, text] of await keptFiles(charms)) assertEquals(text, files.get(path), path);
      assertEquals(endOf(await runAgent(charms)), undisturbed, `the agent was killed at command ${command}`);
    }
    return undisturbed.commands;
  } finally {
    await Deno.remove(charms, { recursive: true });
  }
}

interface AgentEnd {
  readonly signal: string | null;
  readonly lines: readonly string[];
}

async function runAgent(charms: string, dieAt = 0): Promise<AgentEnd> {
  const { registry } = await chooseRegistry();
  const program = join(projectDir, "tests/load/agent_process.ts");
  const { signal, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", ...denoFlags(registry), program, charms, String(dieAt)],
    stderr: "inherit",
  }).output();
  return { signal, lines: new TextDecoder().decode(stdout).trim().split("\n") };
}

function endOf({ signal, lines: [, end] }: AgentEnd): HookEnd {
  assert(end !== undefined, `the agent ended with ${signal}`);
  return JSON.parse(end);
}

/** Files that hooks have made in the charm's directory. */
async function keptFiles(charms: string): Promise<Map<string, string>> {
  const directory = join(charms, "worker", ".charmlet");
  const files = new Map<string, string>();
  try {
    for await (const { name } of Deno.readDir(directory)) {
      files.set(name, await Deno.readTextFile(join(directory, name)));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files;
}

/** Waits for the end of a process of which this one is no parent. Ended ones may stay listed, as zombies. */
async function ended(pid: number): Promise<void> {
  assert(Number.isInteger(pid) && pid > 1, `${pid} is no process id`);
  const deadline = performance.now() + ORPHAN_LIMIT_MS;
  while (await Deno.readTextFile(`/proc/${pid}/stat`).then((stat) => !/\) [ZX] /.test(stat), () => false)) {
    assert(performance.now() < deadline, `hook ${pid} runs on without its agent`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
