/**
 * The calls of hook commands: Go's net/rpc over gob, service method `Jujuc.Main`, without any I/O.
 * Source: contract section 8.2.
 *
 * @module
 */
import { AgentError } from "../errors.ts";
import { GobDecoder, GobEncoder, type GobMessage, type GobSchema } from "./gob.ts";
import { bytesField, expectFields, numberField, textField } from "./gob_fields.ts";
import { garbled } from "./gob_reader.ts";
import type { CommandReply } from "./transport.ts";

/** The only method that the agent serves. */
export const SERVICE_METHOD = "Jujuc.Main";

/** The rpc error by which the agent asks for standard input. */
export const STDIN_REQUIRED = "hook tool requires stdin, none supplied";

/** Header of a call. */
export const REQUEST_HEADER: GobSchema = { name: "Request", fields: { ServiceMethod: "string", Seq: "uint" } };

/** Body of a call. An agent that does not know a field skips it. */
export const REQUEST_BODY: GobSchema = {
  name: "Request",
  fields: {
    ContextId: "string",
    Dir: "string",
    CommandName: "string",
    Args: "strings",
    StdinSet: "bool",
    Stdin: "bytes",
    Token: "string",
  },
};

/** Header of a reply. */
export const RESPONSE_HEADER: GobSchema = {
  name: "Response",
  fields: { ServiceMethod: "string", Seq: "uint", Error: "string" },
};

/** Body of a reply whose header has no error. */
export const RESPONSE_BODY: GobSchema = {
  name: "ExecResponse",
  fields: { Code: "int", Stdout: "bytes", Stderr: "bytes" },
};

/** Body of a reply whose header has an error. */
export const ERROR_BODY: GobSchema = { name: "", fields: {} };

/** One hook command for the agent. */
export interface AgentRequest {
  readonly contextId: string;
  /** Absolute; what `--file` and `--output` are relative to. */
  readonly dir: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Whether `stdin` counts; it may be empty. */
  readonly stdinSet: boolean;
  readonly stdin: Uint8Array;
  /** Secret; empty on local sockets. */
  readonly token: string;
}

/** A call's end: what the command answered, or why the agent refused to run it. */
export type RpcReply = { readonly rpcError: undefined; readonly reply: CommandReply } | { readonly rpcError: string };

/** What a call becomes: {@link RpcClient} uses one of the two, once. */
export interface PendingCall {
  resolve(reply: RpcReply): void;
  reject(error: AgentError): void;
}

/** The client's side of one connection: encodes calls, decodes replies and pairs them by number. */
export class RpcClient {
  readonly #encoder = new GobEncoder();
  readonly #decoder = new GobDecoder();
  readonly #calls = new Map<number, PendingCall>();
  #nextSeq = 0;
  #header: { readonly seq: number; readonly error: string } | undefined;

  /** Calls that have no reply yet. */
  get waiting(): number {
    return this.#calls.size;
  }

  /** Queues a call for {@link take}. Calls are numbered from 0. */
  send(request: AgentRequest, call: PendingCall): void {
    const seq = this.#nextSeq++;
    this.#encoder.write(REQUEST_HEADER, { ServiceMethod: SERVICE_METHOD, Seq: seq });
    this.#encoder.write(REQUEST_BODY, {
      ContextId: request.contextId,
      Dir: request.dir,
      CommandName: request.command,
      Args: request.args,
      StdinSet: request.stdinSet,
      Stdin: request.stdin,
      Token: request.token,
    });
    this.#calls.set(seq, call);
  }

  /** @returns the bytes of the queued calls */
  take(): Uint8Array {
    return this.#encoder.take();
  }

  /**
   * Takes bytes from the agent and settles the calls whose replies are complete.
   *
   * @param chunk not kept
   * @throws {AgentError} when this is not the protocol; the connection is of no use afterwards
   */
  receive(chunk: Uint8Array): void {
    for (const message of this.#decoder.push(chunk)) {
      if (this.#header) {
        const { seq, error } = this.#header;
        this.#header = undefined;
        this.#settle(seq, error === "" ? { rpcError: undefined, reply: readReply(message) } : { rpcError: error });
      } else {
        this.#header = this.#readHeader(message);
      }
    }
  }

  /** @returns what the end of the stream means at this point */
  endOfStream(): AgentError {
    try {
      this.#decoder.end();
    } catch (error) {
      if (error instanceof AgentError) return error;
      throw error;
    }
    const owed = this.waiting > 0 ? ` with ${this.waiting} hook commands under way` : "";
    return new AgentError(`the unit agent closed the connection${owed}; Juju will retry the hook`);
  }

  /** Rejects every call that waits. */
  fail(error: AgentError): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { reject } of calls) reject(error);
  }

  #readHeader(message: GobMessage): { seq: number; error: string } {
    expectFields(message, RESPONSE_HEADER);
    const seq = numberField(message, "Seq");
    if (!this.#calls.has(seq)) throw garbled(`a reply to call ${seq}, which is not under way`);
    return { seq, error: textField(message, "Error") };
  }

  #settle(seq: number, reply: RpcReply): void {
    const call = this.#calls.get(seq);
    this.#calls.delete(seq);
    call?.resolve(reply);
  }
}

function readReply(message: GobMessage): CommandReply {
  expectFields(message, RESPONSE_BODY);
  return {
    code: numberField(message, "Code"),
    stdout: bytesField(message, "Stdout"),
    stderr: bytesField(message, "Stderr"),
  };
}
