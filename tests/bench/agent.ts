/**
 * The simulated agent of the unit that is measured: counts hook commands and the time that they take here.
 *
 * @module
 */
import { runCommand } from "../model/commands/registry.ts";
import { createHookRun, type HookRun, type HookRunOptions } from "../model/hook_run.ts";
import { type AgentReply, type AgentRequest, RpcError, serveAgent, StdinRequiredError } from "../model/rpc_server.ts";
import type { WorldState } from "../model/state.ts";

/** What one hook asked of the agent. */
export interface Tally {
  readonly run: HookRun;
  /** Names of the hook commands, in order. */
  readonly commands: string[];
  /** How long the agent worked on them, in milliseconds. */
  agentMs: number;
}

/** An agent that serves one hook after another on one abstract socket. */
export class BenchAgent {
  /** What `JUJU_AGENT_SOCKET_ADDRESS` is. */
  readonly address = `@/charmlet-bench/${crypto.randomUUID()}/agent.socket`;
  readonly #server = serveAgent({ network: "unix", address: this.address, handle: (request) => this.#handle(request) });
  #current: Tally | undefined;

  /** Starts a fresh context: the next commands belong to it. */
  begin(world: WorldState, options: HookRunOptions): Tally {
    this.#current = { run: createHookRun(world, options), commands: [], agentMs: 0 };
    return this.#current;
  }

  /** Stops serving. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  #handle(request: AgentRequest): AgentReply {
    const start = performance.now();
    const tally = this.#current;
    if (request.contextId !== tally?.run.contextId) {
      throw new RpcError(`bad request: wrong context ID; got "${request.contextId}"`);
    }
    const stdin = request.stdinSet ? request.stdin : undefined;
    const outcome = runCommand(tally.run, request.command, request.args, stdin, request.dir);
    tally.agentMs += performance.now() - start;
    // The call is repeated with standard input: still one command.
    if ("needsStdin" in outcome) throw new StdinRequiredError();
    tally.commands.push(request.command);
    if ("rpcError" in outcome) throw new RpcError(outcome.rpcError);
    return outcome;
  }
}
