/**
 * Hook commands without a process or socket: the dispatcher's code against a run of the simulated agent.
 *
 * @module
 */
import { AgentError } from "../../hooks/errors.ts";
import type { CommandReply, HookCommandTransport } from "../../hooks/juju/transport.ts";
import { runCommand } from "./commands/registry.ts";
import type { HookRun } from "./hook_run.ts";

/** A transport that records what it ran. */
export interface InProcessTransport extends HookCommandTransport {
  /** Each command with its arguments, in order. */
  readonly calls: (readonly [command: string, ...args: string[]])[];
}

/**
 * Runs hook commands straight against a run of the simulated agent.
 *
 * @param run the hook's context on the agent's side
 * @param dir absolute working directory, the base of relative paths
 */
export function inProcessTransport(run: HookRun, dir = "/"): InProcessTransport {
  const calls: [string, ...string[]][] = [];
  return {
    kind: "native",
    calls,
    run(command, args, stdin): Promise<CommandReply> {
      calls.push([command, ...args]);
      const outcome = runCommand(run, command, [...args], stdin, dir);
      if ("needsStdin" in outcome) return Promise.reject(new AgentError(`${command} needs standard input`));
      if ("rpcError" in outcome) {
        const stderr = new TextEncoder().encode(`ERROR ${outcome.rpcError}\n`);
        return Promise.resolve({ code: 1, stdout: new Uint8Array(), stderr });
      }
      return Promise.resolve(outcome);
    },
    close() {},
  };
}
