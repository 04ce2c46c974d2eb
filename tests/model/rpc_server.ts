/**
 * The unit agent's end of the hook command protocol: Go's net/rpc over gob on a socket.
 * Source: contract section 8.
 *
 * @module
 */
import { closeQuietly } from "../../hooks/juju/agent_connect.ts";
import {
  type AgentRequest,
  ERROR_BODY,
  REQUEST_BODY,
  REQUEST_HEADER,
  RESPONSE_BODY,
  RESPONSE_HEADER,
  SERVICE_METHOD,
  STDIN_REQUIRED,
} from "../../hooks/juju/agent_rpc.ts";
import { GobDecoder, GobEncoder } from "../../hooks/juju/gob.ts";
import {
  booleanField,
  bytesField,
  expectFields,
  numberField,
  textField,
  textsField,
} from "../../hooks/juju/gob_fields.ts";
import type { CommandReply } from "../../hooks/juju/transport.ts";

export type { AgentRequest };

/** What a hook command answers. */
export type AgentReply = CommandReply;

/** Runs one hook command. */
export type AgentHandler = (request: AgentRequest) => AgentReply | Promise<AgentReply>;

/** Thrown by a handler: the agent refuses the call, such as `bad request: unknown command: x`. */
export class RpcError extends Error {
  override readonly name: string = "RpcError";
}

/** Thrown by a handler whose command reads standard input when the call brought none: the client shall call again. */
export class StdinRequiredError extends RpcError {
  override readonly name = "StdinRequiredError";

  constructor() {
    super(STDIN_REQUIRED);
  }
}

/** A call that arrived. */
export interface RpcCall {
  readonly seq: number;
  readonly serviceMethod: string;
  readonly request: AgentRequest;
}

/** The server's side of one connection, without I/O. */
export class RpcServer {
  readonly #encoder = new GobEncoder();
  readonly #decoder = new GobDecoder();
  #header: { seq: number; serviceMethod: string } | undefined;

  /**
   * Takes bytes from the client.
   *
   * @throws {AgentError} when this is not the protocol
   */
  receive(chunk: Uint8Array): RpcCall[] {
    const calls: RpcCall[] = [];
    for (const message of this.#decoder.push(chunk)) {
      if (!this.#header) {
        expectFields(message, REQUEST_HEADER);
        this.#header = { seq: numberField(message, "Seq"), serviceMethod: textField(message, "ServiceMethod") };
        continue;
      }
      expectFields(message, REQUEST_BODY);
      const request = {
        contextId: textField(message, "ContextId"),
        dir: textField(message, "Dir"),
        command: textField(message, "CommandName"),
        args: textsField(message, "Args"),
        stdinSet: booleanField(message, "StdinSet"),
        stdin: bytesField(message, "Stdin"),
        token: textField(message, "Token"),
      };
      calls.push({ ...this.#header, request });
      this.#header = undefined;
    }
    return calls;
  }

  /** @throws {AgentError} when the client's stream ends inside a message */
  end(): void {
    this.#decoder.end();
  }

  /** @returns the bytes of a reply */
  reply({ seq, serviceMethod }: RpcCall, reply: AgentReply): Uint8Array {
    this.#encoder.write(RESPONSE_HEADER, { ServiceMethod: serviceMethod, Seq: seq });
    this.#encoder.write(RESPONSE_BODY, { Code: reply.code, Stdout: reply.stdout, Stderr: reply.stderr });
    return this.#encoder.take();
  }

  /** @returns the bytes of a refusal */
  refuse({ seq, serviceMethod }: RpcCall, message: string): Uint8Array {
    this.#encoder.write(RESPONSE_HEADER, { ServiceMethod: serviceMethod, Seq: seq, Error: message });
    this.#encoder.write(ERROR_BODY, {});
    return this.#encoder.take();
  }

  /** Runs a call and encodes what comes of it. */
  async answer(call: RpcCall, handle: AgentHandler): Promise<Uint8Array> {
    const refusal = checkMethod(call.serviceMethod);
    if (refusal !== undefined) return this.refuse(call, refusal);
    try {
      return this.reply(call, await handle(call.request));
    } catch (error) {
      if (error instanceof RpcError) return this.refuse(call, error.message);
      return this.refuse(call, `panic in the simulated agent: ${error instanceof Error ? error.stack : error}`);
    }
  }
}

/** net/rpc's own refusals. */
function checkMethod(serviceMethod: string): string | undefined {
  if (serviceMethod === SERVICE_METHOD) return undefined;
  const dot = serviceMethod.lastIndexOf(".");
  if (dot < 0) return `rpc: service/method request ill-formed: ${serviceMethod}`;
  const what = serviceMethod.slice(0, dot) === "Jujuc" ? "method" : "service";
  return `rpc: can't find ${what} ${serviceMethod}`;
}

/** Lets one thing run at a time, in the order in which they were asked for. */
export type Turn = <T>(run: () => Promise<T>) => Promise<T>;

/** @returns a new queue */
export function newTurn(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const result = last.then(run);
    last = result.catch(() => {});
    return result;
  };
}

/**
 * Serves one client until it closes its side, then finishes its calls and closes. Bytes that are not the
 * protocol end the connection, as with the real agent.
 *
 * @param turn shared by the connections of one agent
 */
export async function serveConnection(stream: Deno.Conn, handle: AgentHandler, turn: Turn): Promise<void> {
  const server = new RpcServer();
  const buffer = new Uint8Array(64 * 1024);
  let written: Promise<void> = Promise.resolve();
  const answers: Promise<void>[] = [];
  const answer = async (call: RpcCall) => {
    const bytes = await turn(() => server.answer(call, handle));
    // A client that does not read keeps only its own replies waiting; one that is gone gets none.
    written = written.then(() => writeAll(stream, bytes)).catch(() => {});
    await written;
  };
  try {
    for (let size = await stream.read(buffer); size !== null; size = await stream.read(buffer)) {
      for (const call of server.receive(buffer.subarray(0, size))) answers.push(answer(call));
    }
  } catch {
    // The client is gone, or does not speak the protocol.
    closeQuietly(stream);
  }
  await Promise.all(answers);
  closeQuietly(stream);
}

async function writeAll(stream: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
}

/** Where and how a simulated agent serves. */
export interface AgentServerOptions {
  readonly network: "unix";
  /** `@name` for an abstract socket, else the path of a socket file, which gets mode 0700. */
  readonly address: string;
  /** Called for one command at a time, whatever the number of connections. */
  readonly handle: AgentHandler;
}

/** A running agent. */
export interface AgentServer {
  /** Stops listening, closes every connection, and waits for the command that runs. A socket file is gone then. */
  close(): Promise<void>;
}

/**
 * Serves hook commands until closed.
 *
 * @throws {Deno.errors.AddrInUse} when another agent serves the address
 */
export function serveAgent({ address, handle }: AgentServerOptions): AgentServer {
  const isAbstract = address.startsWith("@");
  const listener = Deno.listen({ transport: "unix", path: isAbstract ? `\0${address.slice(1)}` : address });
  if (!isAbstract) Deno.chmodSync(address, 0o700);
  const turn = newTurn();
  const streams = new Map<Deno.Conn, Promise<void>>();
  const accepting = (async () => {
    for await (const stream of listener) {
      streams.set(stream, serveConnection(stream, handle, turn).finally(() => streams.delete(stream)));
    }
  })();
  return {
    async close() {
      // Takes the socket file away too.
      listener.close();
      await accepting;
      const ends = [...streams.values()];
      for (const stream of streams.keys()) closeQuietly(stream);
      await Promise.all(ends);
    },
  };
}
