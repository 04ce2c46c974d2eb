/**
 * The wire paths from a client to the simulated agent: our native transport on the agent's abstract socket, and
 * hook commands as processes that speak the protocol to the agent's socket file.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { connectAgent } from "../../hooks/juju/agent_socket.ts";
import { readJujuEnvironment } from "../../hooks/juju/environment.ts";
import { processTransport } from "../../hooks/juju/process.ts";
import type { CommandReply, HookCommandTransport } from "../../hooks/juju/transport.ts";
import { HOOK_COMMANDS, runCommand } from "../model/commands/registry.ts";
import type { HookRun } from "../model/hook_run.ts";
import { type AgentRequest, type AgentServer, RpcError, serveAgent, StdinRequiredError } from "../model/rpc_server.ts";

/** One call over a wire path. */
export interface WireCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly stdin: Uint8Array | undefined;
  /** Absolute working directory of the caller. */
  readonly dir: string;
}

/** A way from a client to the simulated agent. */
export interface WirePath {
  readonly name: string;
  /** Runs one command in the context of a run. */
  invoke(run: HookRun, call: WireCall): Promise<CommandReply>;
}

/** Wire paths with their server. */
export interface OpenPaths {
  readonly paths: readonly WirePath[];
  /** Stops the servers and removes what was created. */
  close(): Promise<void>;
}

/**
 * Starts a simulated agent and opens both paths to it.
 *
 * @param tool compiled hook tool, absolute or relative to the working directory; without one the program is run
 *   from source, which is slower
 */
export async function openPaths(tool?: string): Promise<OpenPaths> {
  const home = await Deno.makeTempDir({ prefix: "hook-commands-" });
  const tools = join(home, "bin");
  await Deno.mkdir(tools);
  const target = tool ? resolve(tool) : await writeLauncher(home);
  for (const name of HOOK_COMMANDS) await Deno.symlink(target, join(tools, name));

  const native = agentAt(`@${home}/agent.socket`);
  const file = agentAt(join(home, "agent.socket"));
  const paths: WirePath[] = [
    {
      name: "native",
      invoke: (run, call) => native.invoke(run, call, (env) => connectAgent(readJujuEnvironment(env))),
    },
    {
      name: "process",
      invoke: (run, call) =>
        file.invoke(run, call, (env) => {
          const withPath = { ...env, PATH: `${tools}:/usr/bin:/bin` };
          return Promise.resolve(processTransport({ environment: readJujuEnvironment(withPath), env: withPath }));
        }),
    },
  ];
  return {
    paths,
    async close() {
      await native.server.close();
      await file.server.close();
      await Deno.remove(home, { recursive: true });
    },
  };
}

/** A script that runs the hook tool from source under the name by which it was called. */
async function writeLauncher(home: string): Promise<string> {
  const launcher = join(home, "launch");
  const program = fileURLToPath(new URL("../model/hook_tool.ts", import.meta.url));
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const exports = ["HOME", "DENO_DIR", "DENO_TLS_CA_STORE"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [`export ${name}=${quote(value)}`];
  });
  const words = [Deno.execPath(), "run", "--quiet", "--no-check", "--no-lock", "--allow-all", program].map(quote);
  const lines = ["#!/bin/sh", ...exports, `exec ${words.join(" ")} "\${0##*/}" "$@"`, ""];
  await Deno.writeTextFile(launcher, lines.join("\n"), { mode: 0o755 });
  return launcher;
}

interface Agent {
  readonly server: AgentServer;
  invoke(
    run: HookRun,
    call: WireCall,
    open: (env: Record<string, string>) => Promise<HookCommandTransport>,
  ): Promise<CommandReply>;
}

function agentAt(address: string): Agent {
  let current: HookRun | undefined;
  const handle = (request: AgentRequest): CommandReply => {
    if (!current || request.contextId !== current.contextId) {
      throw new RpcError(`bad request: wrong context ID; got ${JSON.stringify(request.contextId)}`);
    }
    const stdin = request.stdinSet ? request.stdin : undefined;
    const outcome = runCommand(current, request.command, request.args, stdin, request.dir);
    if ("needsStdin" in outcome) throw new StdinRequiredError();
    if ("rpcError" in outcome) throw new RpcError(outcome.rpcError);
    return outcome;
  };
  return {
    server: serveAgent({ network: "unix", address, handle }),
    async invoke(run, { command, args, stdin, dir }, open) {
      current = run;
      const transport = await open({
        JUJU_CONTEXT_ID: run.contextId,
        JUJU_AGENT_SOCKET_NETWORK: "unix",
        JUJU_AGENT_SOCKET_ADDRESS: address,
        JUJU_UNIT_NAME: run.unit,
        JUJU_CHARM_DIR: dir,
      });
      try {
        return await transport.run(command, args, stdin);
      } finally {
        transport.close();
        current = undefined;
      }
    },
  };
}
