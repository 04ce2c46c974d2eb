/**
 * Starts the tasks of deno.json: `build/deno task NAME [ARGUMENTS]`. Chooses the registry first and then runs the task's
 * script with the import map of that registry; needs no module itself.
 *
 * @module
 */
import { BuildError, runScript } from "./errors.ts";
import { projectDir } from "./project.ts";
import { chooseRegistry, denoFlags, REGISTRY_VARIABLE } from "./registry.ts";

/** Script and first arguments of each task. */
const TASKS: Readonly<Record<string, readonly [script: string, ...args: string[]]>> = {
  bench: ["tests/bench/main.ts"],
  compile: ["build/compile.ts"],
  conformance: ["tests/conformance/main.ts"],
  demo: ["tests/demo/main.ts"],
  fuzz: ["tests/fuzz/main.ts"],
  kills: ["tests/real/async_replication/kill_everywhere.ts"],
  load: ["tests/load/main.ts"],
  pack: ["build/pack.ts"],
  privileges: ["tests/privileges/experiment.ts"],
  sbom: ["build/sbom.ts"],
  torture: ["tests/torture/main.ts"],
  check: ["build/test.ts", "check"],
  test: ["build/test.ts", "all"],
  "test:full": ["build/test.ts", "full"],
  "test:unit": ["build/test.ts", "unit"],
  "test:conformance": ["build/test.ts", "conformance"],
  "test:model": ["build/test.ts", "model"],
  "test:real": ["build/test.ts", "real"],
};

async function main(): Promise<void> {
  const [name = "", ...given] = Deno.args;
  const rest = given[0] === "--" ? given.slice(1) : given;
  const task = TASKS[name];
  if (!task) throw new BuildError(`no task ${name}: build/deno task lists them`);
  const [script, ...args] = task;
  const { registry, reason } = await chooseRegistry();
  console.error(`@std from ${registry}: ${reason}`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", ...denoFlags(registry), `${projectDir}/${script}`, ...args, ...rest],
    env: { [REGISTRY_VARIABLE]: registry },
  }).spawn();
  Deno.exit((await child.status).code);
}

if (import.meta.main) await runScript(main);
