/**
 * Composition root: the only place that reads argv and the environment and knows the process.
 *
 * @module
 */
import { checkTrusted } from "./charm/trust.ts";
import type { Program } from "./definition.ts";
import { CharmletError, UsageError } from "./errors.ts";
import { type JujuEnvironment, readJujuEnvironment } from "./juju/environment.ts";
import { route } from "./route.ts";
import { run } from "./run.ts";

/** Files that hooks write are the owner's alone unless a handler says otherwise. */
const UMASK = 0o077;

/**
 * Does what the executable was started for: a hook, an action, or a command line.
 *
 * @param program the interfaces and actions that this executable has
 * @returns the exit status
 */
export async function main(program: Program): Promise<number> {
  Deno.umask(UMASK);
  const env = Deno.env.toObject();
  // What handlers start has no business with the agent.
  Deno.env.delete("JUJU_AGENT_TOKEN");
  const environment = readJujuEnvironment(env);
  const out = { environment, env, print: printLine(Deno.stdout), printError: printLine(Deno.stderr) };
  try {
    const invocation = route(await argv0(environment), Deno.args, environment);
    if (invocation.kind !== "cli") {
      checkTrusted([environment.charmDir, Deno.execPath().replace(/\/[^/]*$/, "")]);
      return await run(program, { ...out, invocation, dryRun: false });
    }
    const { runCli } = await import("./cli.ts");
    return await runCli(program, { ...out, args: Deno.args });
  } catch (error) {
    if (!(error instanceof CharmletError)) throw error;
    out.printError(`charmlet: ${error.message}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** The path that the process was started by. Where Juju names the hook nothing asks for it, and Node's part stays unread. */
async function argv0({ dispatchPath }: JujuEnvironment): Promise<string> {
  if (dispatchPath !== "") return "";
  const [{ resolve }, { default: process }] = await Promise.all([import("node:path"), import("node:process")]);
  return resolve(process.argv0);
}

/** A closed pipe must not fail a hook. */
function printLine(stream: { writeSync(data: Uint8Array): number }): (line: string) => void {
  const encoder = new TextEncoder();
  return (line) => {
    const bytes = encoder.encode(`${line}\n`);
    try {
      for (let written = 0; written < bytes.length;) written += stream.writeSync(bytes.subarray(written));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  };
}
