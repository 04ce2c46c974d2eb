/**
 * The simulated agent in a thread of its own, as Juju's agent is a process of its own: the one that starts and times
 * the hooks must not be busy when a hook asks for something.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { runCommand } from "../model/commands/registry.ts";
import { discard } from "../model/commit.ts";
import { createHookRun, type HookRun } from "../model/hook_run.ts";
import { type AgentReply, type AgentRequest, RpcError, serveAgent, StdinRequiredError } from "../model/rpc_server.ts";
import type { AgentCall, Tally } from "./agent.ts";

interface Current {
  readonly run: HookRun;
  readonly commands: string[];
  agentMs: number;
}

let current: Current | undefined;
let server: ReturnType<typeof serveAgent> | undefined;

function handle(request: AgentRequest): AgentReply {
  const start = performance.now();
  if (request.contextId !== current?.run.contextId) {
    throw new RpcError(`bad request: wrong context ID; got "${request.contextId}"`);
  }
  const stdin = request.stdinSet ? request.stdin : undefined;
  const outcome = runCommand(current.run, request.command, request.args, stdin, request.dir);
  current.agentMs += performance.now() - start;
  // The call is repeated with standard input: still one command.
  if ("needsStdin" in outcome) throw new StdinRequiredError();
  current.commands.push(request.command);
  if ("rpcError" in outcome) throw new RpcError(outcome.rpcError);
  return outcome;
}

function end(): Tally {
  if (!current) throw new Error("no hook has begun");
  const { run, commands, agentMs } = current;
  const written = Object.fromEntries([...run.relations.values()].flatMap(({ unitWrites }) => [...unitWrites]));
  discard(run);
  current = undefined;
  return { commands, agentMs, written };
}

self.onmessage = async ({ data }: MessageEvent<AgentCall>) => {
  switch (data.call) {
    case "serve":
      server = serveAgent({ network: "unix", address: data.address, handle });
      self.postMessage(undefined);
      return;
    case "begin":
      current = { run: createHookRun(data.world, data.options), commands: [], agentMs: 0 };
      self.postMessage(undefined);
      return;
    case "end":
      self.postMessage(end());
      return;
    case "close":
      await server?.close();
      self.postMessage(undefined);
  }
};
