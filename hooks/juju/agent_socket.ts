/**
 * Hook commands over the unit agent's socket: one connection for the whole hook, calls without waiting for
 * earlier replies.
 *
 * @module
 */
import { AgentError } from "../errors.ts";
import { closeQuietly, openAgentStream } from "./agent_connect.ts";
import { RpcClient, type RpcReply, STDIN_REQUIRED } from "./agent_rpc.ts";
import type { JujuEnvironment } from "./environment.ts";
import type { CommandReply, HookCommandTransport } from "./transport.ts";

const READ_BYTES = 64 * 1024;
const NO_BYTES = new Uint8Array();
const encoder = new TextEncoder();

/**
 * How long the agent may stay silent while a hook command is under way, in milliseconds. Long enough for the download
 * of a resource; an agent that dies closes its socket, which is noticed at once.
 */
export const REPLY_TIMEOUT_MS = 15 * 60_000;

/** Settings of a connection. */
export interface AgentOptions {
  /** Absolute directory that relative file arguments start from; default: the charm directory. */
  readonly cwd?: string;
  /**
   * Milliseconds without any reply, while at least one call is under way, after which the agent is given up.
   * The agent runs commands one at a time, so the time starts anew with every reply. Default: 15 minutes.
   */
  readonly replyTimeoutMs?: number;
}

/**
 * Connects to the agent of this hook.
 *
 * @throws {AgentError} when the agent cannot be reached
 */
export async function connectAgent(
  environment: JujuEnvironment,
  options: AgentOptions = {},
): Promise<HookCommandTransport> {
  const timeoutMs = options.replyTimeoutMs ?? REPLY_TIMEOUT_MS;
  const stream = await openAgentStream(environment, timeoutMs);
  const { contextId, agentToken: token, charmDir } = environment;
  return new AgentSocket(stream, { contextId, token, dir: options.cwd ?? charmDir }, timeoutMs);
}

/** What every request of a connection has in common. */
interface Caller {
  readonly contextId: string;
  readonly token: string;
  readonly dir: string;
}

class AgentSocket implements HookCommandTransport {
  readonly kind = "native";
  readonly #stream: Deno.Conn;
  readonly #caller: Caller;
  readonly #timeoutMs: number;
  readonly #rpc = new RpcClient();
  /** Why no more calls are possible. */
  #end: AgentError | undefined;
  #isWriting = false;
  #timer: number | undefined;
  #lastProgress = 0;

  constructor(stream: Deno.Conn, caller: Caller, timeoutMs: number) {
    this.#stream = stream;
    this.#caller = caller;
    this.#timeoutMs = timeoutMs;
    this.#read();
  }

  async run(command: string, args: readonly string[], stdin?: Uint8Array): Promise<CommandReply> {
    if (this.#end) throw this.#end;
    const stdinSet = stdin !== undefined;
    const result = await new Promise<RpcReply>((resolve, reject) => {
      const request = { ...this.#caller, command, args, stdinSet, stdin: stdin ?? NO_BYTES };
      this.#rpc.send(request, { resolve, reject });
      this.#startTimer();
      this.#write();
    });
    if (result.rpcError === undefined) return result.reply;
    if (result.rpcError === STDIN_REQUIRED) {
      throw new AgentError(`${command} reads its standard input and was given none; report this as a bug of charmlet`);
    }
    // As Juju's own client prints it.
    return { code: 1, stdout: NO_BYTES, stderr: encoder.encode(`ERROR ${result.rpcError}\n`) };
  }

  close(): void {
    this.#fail(new AgentError("the connection to the unit agent was closed while the hook ended"));
  }

  /** Writes what is queued, in one piece for all calls of the same turn. */
  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      // Calls that are issued together reach the queue before this continues.
      await undefined;
      for (let bytes = this.#rpc.take(); bytes.length > 0; bytes = this.#rpc.take()) {
        for (let at = 0; at < bytes.length;) at += await this.#stream.write(bytes.subarray(at));
      }
    } catch (cause) {
      // The reading side knows more: what the agent sent before it closed, or that it closed at all.
      if (!isClosedByPeer(cause)) this.#fail(unreadable(cause));
    } finally {
      this.#isWriting = false;
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      for (;;) {
        const size = await this.#stream.read(buffer);
        if (size === null) return this.#fail(this.#rpc.endOfStream());
        const waiting = this.#rpc.waiting;
        this.#rpc.receive(buffer.subarray(0, size));
        if (this.#rpc.waiting < waiting) this.#noteProgress();
      }
    } catch (cause) {
      if (cause instanceof AgentError) this.#fail(cause);
      else this.#fail(isClosedByPeer(cause) ? this.#rpc.endOfStream() : unreadable(cause));
    }
  }

  #fail(error: AgentError): void {
    if (this.#end) return;
    this.#end = error;
    this.#stopTimer();
    this.#rpc.fail(error);
    closeQuietly(this.#stream);
  }

  #startTimer(): void {
    if (this.#timer !== undefined) return;
    this.#lastProgress = performance.now();
    this.#timer = setTimeout(() => this.#checkProgress(), this.#timeoutMs);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #noteProgress(): void {
    if (this.#rpc.waiting === 0) this.#stopTimer();
    else this.#lastProgress = performance.now();
  }

  #checkProgress(): void {
    const left = this.#lastProgress + this.#timeoutMs - performance.now();
    if (left > 0) {
      this.#timer = setTimeout(() => this.#checkProgress(), left);
      return;
    }
    this.#fail(
      new AgentError(`the unit agent has not answered for ${this.#timeoutMs / 1000} s; Juju will retry the hook`),
    );
  }
}

function isClosedByPeer(cause: unknown): boolean {
  return cause instanceof Deno.errors.BrokenPipe || cause instanceof Deno.errors.ConnectionReset ||
    cause instanceof Deno.errors.UnexpectedEof;
}

function unreadable(cause: unknown): AgentError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AgentError(`the connection to the unit agent broke: ${reason}; Juju will retry the hook`, { cause });
}
