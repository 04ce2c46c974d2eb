/**
 * The program behind every hook command on PATH, as Juju's `jujuc` is: it sends its name and arguments to the
 * agent's socket and prints what comes back. Called by its own name, its first argument is the command.
 * Source: contract sections 3.1 and 8; juju/juju cmd/jujuc/main.go.
 *
 * @module
 */
import { basename } from "node:path";
import process from "node:process";
import { openAgentStream } from "../../hooks/juju/agent_connect.ts";
import { type AgentRequest, RpcClient, type RpcReply, STDIN_REQUIRED } from "../../hooks/juju/agent_rpc.ts";
import { readJujuEnvironment } from "../../hooks/juju/environment.ts";
import type { CommandReply } from "../../hooks/juju/transport.ts";

/** How long connecting may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** What the tool is called with. */
export interface ToolCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute working directory. */
  readonly cwd: string;
  /** Reads standard input to its end; called only when the command asks for it. */
  readonly readStdin: () => Promise<Uint8Array>;
}

/**
 * Runs one hook command through the agent. Failures of the client itself are answers too: exit status 1 and
 * one line on stderr.
 *
 * @param call name, arguments and surroundings
 */
export async function runTool(call: ToolCall): Promise<CommandReply> {
  for (const name of ["JUJU_CONTEXT_ID", "JUJU_AGENT_SOCKET_ADDRESS", "JUJU_AGENT_SOCKET_NETWORK"]) {
    if (!call.env[name]) return failure(`${name} not set`);
  }
  try {
    const reply = await exchange(call);
    return reply.rpcError === undefined ? reply.reply : failure(reply.rpcError);
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error));
  }
}

function failure(message: string): CommandReply {
  return { code: 1, stdout: new Uint8Array(), stderr: new TextEncoder().encode(`ERROR ${message}\n`) };
}

/** The first call goes without input; when the command wants some, it is read and the call repeated. */
async function exchange({ command, args, env, cwd, readStdin }: ToolCall): Promise<RpcReply> {
  const environment = readJujuEnvironment(env);
  using stream = await openAgentStream(environment, CONNECT_TIMEOUT_MS);
  const rpc = new RpcClient();
  const request: AgentRequest = {
    contextId: environment.contextId,
    dir: cwd,
    command,
    args,
    stdinSet: false,
    stdin: new Uint8Array(),
    token: environment.agentToken,
  };
  const first = await send(stream, rpc, request);
  if (first.rpcError !== STDIN_REQUIRED) return first;
  return await send(stream, rpc, { ...request, stdinSet: true, stdin: await readStdin() });
}

async function send(stream: Deno.Conn, rpc: RpcClient, request: AgentRequest): Promise<RpcReply> {
  const { promise: reply, resolve, reject } = Promise.withResolvers<RpcReply>();
  rpc.send(request, { resolve, reject });
  await writeAll(stream, rpc.take());
  const buffer = new Uint8Array(64 * 1024);
  while (rpc.waiting > 0) {
    const size = await stream.read(buffer);
    if (size === null) rpc.fail(rpc.endOfStream());
    else rpc.receive(buffer.subarray(0, size));
  }
  return await reply;
}

async function writeAll(target: { write(bytes: Uint8Array): Promise<number> }, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await target.write(bytes.subarray(at));
}

/** The command's name and arguments from the process's own. */
function invocation(argv0: string, args: readonly string[]): { command: string; args: readonly string[] } {
  const name = basename(argv0);
  if (name !== "jujuc" && !name.startsWith("deno")) return { command: name, args };
  return { command: args[0] ?? "", args: args.slice(1) };
}

if (import.meta.main) {
  const reply = await runTool({
    ...invocation(process.argv0, Deno.args),
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    readStdin: async () => new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer()),
  });
  await writeAll(Deno.stdout, reply.stdout);
  await writeAll(Deno.stderr, reply.stderr);
  Deno.exit(reply.code);
}
