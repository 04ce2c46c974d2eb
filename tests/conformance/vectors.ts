/**
 * Runs files of agent protocol vectors: bytes of real connections in both directions, and primitive encodings.
 *
 * @module
 */
import {
  type AgentRequest,
  REQUEST_BODY,
  REQUEST_HEADER,
  RpcClient,
  type RpcReply,
} from "../../hooks/juju/agent_rpc.ts";
import { GobDecoder, GobEncoder } from "../../hooks/juju/gob.ts";
import { type RpcCall, RpcServer } from "../model/rpc_server.ts";
import { type Check, checkPrimitives, type PrimitiveVectors } from "./vector_primitives.ts";

/** A check that failed. */
export interface VectorFailure {
  readonly id: string;
  readonly expected: string;
  readonly got: string;
}

/** What became of a file. */
export interface VectorResult {
  readonly passed: number;
  readonly failed: VectorFailure[];
}

interface VectorRequest {
  readonly Args: string[];
  readonly CommandName: string;
  readonly ContextId: string;
  readonly Dir: string;
  readonly StdinSet: boolean;
  readonly Stdin_hex: string;
  readonly Token: string;
}

interface VectorMessage {
  readonly hex: string;
  readonly kind: "type_definition" | "value";
  readonly name: string;
}

interface VectorCall {
  readonly serviceMethod: string;
  readonly seq: number;
  readonly request: VectorRequest;
  readonly rpc_error: string;
  readonly response: { readonly Code: number; readonly Stdout_hex: string; readonly Stderr_hex: string } | null;
  readonly client_to_server_hex: string;
  readonly server_to_client_hex: string;
  readonly client_messages: VectorMessage[];
  readonly server_messages: VectorMessage[];
}

interface VectorFile {
  readonly primitives?: PrimitiveVectors;
  readonly cases: readonly { readonly name: string; readonly calls: VectorCall[] }[];
}

/** Seeds of the random splits. */
const SEEDS = [1, 2, 3, 4, 5] as const;
const LONGEST_RANDOM_CHUNK = 40;

/**
 * Decodes every case in both directions, split in several ways, and encodes it again.
 *
 * @param path a file in the format of data/jujuc-gob-vectors.json
 * @throws {TypeError} when the file is not of this format
 */
export async function runVectors(path: string): Promise<VectorResult> {
  const file = JSON.parse(await Deno.readTextFile(path)) as VectorFile;
  if (!Array.isArray(file?.cases)) throw new TypeError(`${path} holds no protocol vectors: "cases" is missing`);
  const broken = file.cases.findIndex((each) => !Array.isArray(each?.calls) || !each.calls.every(isCall));
  if (broken >= 0) throw new TypeError(`${path}: case ${file.cases[broken]?.name ?? broken} is not complete`);
  const failed: VectorFailure[] = [];
  let passed = 0;
  const check: Check = (id, expected, run) => {
    let got: unknown;
    try {
      got = run();
    } catch (error) {
      got = error instanceof Error ? `${error.name}: ${error.message}` : error;
    }
    const [want, have] = [print(expected), print(got)];
    if (want === have) passed++;
    else failed.push({ id, expected: want, got: have });
  };
  for (const { name, calls } of file.cases) checkCase(name, calls, check);
  checkPrimitives(file.primitives ?? {}, check);
  return { passed, failed };
}

/** Whether a call has all that is checked, with bytes in hex. */
function isCall(call: VectorCall | null): boolean {
  const isHex = (value: unknown) => typeof value === "string" && value.length % 2 === 0 && !/[^0-9a-f]/i.test(value);
  const messages = [call?.client_messages, call?.server_messages];
  return isHex(call?.client_to_server_hex) && isHex(call?.server_to_client_hex) &&
    messages.every((each) => Array.isArray(each) && each.every(({ hex }) => isHex(hex)));
}

function checkCase(name: string, calls: readonly VectorCall[], check: Check): void {
  const requests = calls.map(({ seq, serviceMethod, request }): RpcCall => {
    return { seq, serviceMethod, request: toRequest(request) };
  });
  const replies = calls.map(toReply);
  const client = Uint8Array.fromHex(calls.map((call) => call.client_to_server_hex).join(""));
  const server = Uint8Array.fromHex(calls.map((call) => call.server_to_client_hex).join(""));
  for (const [split, chunksOf] of splits()) {
    check(`${name}: requests, ${split}`, requests, () => decodeRequests(chunksOf(client)));
    check(`${name}: replies, ${split}`, replies, () => decodeReplies(calls, chunksOf(server)));
  }
  check(`${name}: requests, by message`, ...byMessage(calls.flatMap((call) => call.client_messages)));
  check(`${name}: replies, by message`, ...byMessage(calls.flatMap((call) => call.server_messages)));
  check(`${name}: requests, cut short`, true, () => isInsideMessage(client.subarray(0, -1)));
  check(`${name}: replies, cut short`, true, () => isInsideMessage(server.subarray(0, -1)));
  check(`${name}: requests, encoded again`, requests, () => decodeRequests([encodeRequests(requests)]));
  check(`${name}: replies, encoded again`, replies, () => decodeReplies(calls, encodeReplies(requests, replies)));
}

function splits(): [string, (bytes: Uint8Array) => Uint8Array[]][] {
  return [
    ["whole", (bytes) => [bytes]],
    ["byte at a time", (bytes) => cut(bytes, () => 1)],
    ...SEEDS.map((seed): [string, (bytes: Uint8Array) => Uint8Array[]] => {
      return [`random split ${seed}`, (bytes) => cut(bytes, random(seed))];
    }),
  ];
}

function cut(bytes: Uint8Array, nextSize: () => number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = nextSize();
    chunks.push(bytes.slice(at, at + size));
    at += size;
  }
  return chunks;
}

/** Sizes from 1 to {@link LONGEST_RANDOM_CHUNK} that depend on the seed alone (a linear congruential generator). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1 + Math.floor(state / 2 ** 32 * LONGEST_RANDOM_CHUNK);
  };
}

function decodeRequests(chunks: readonly Uint8Array[]): RpcCall[] {
  const server = new RpcServer();
  const calls = chunks.flatMap((chunk) => server.receive(chunk));
  server.end();
  return calls;
}

/** Replies in the order of the calls. They are settled by number, whatever the order in which they arrive. */
function decodeReplies(calls: readonly VectorCall[], chunks: readonly Uint8Array[]): (RpcReply | undefined)[] {
  const replies = new Map<number, RpcReply>();
  const client = new RpcClient();
  for (let seq = 0; seq <= Math.max(...calls.map((call) => call.seq)); seq++) {
    client.send(toRequest(calls[0]?.request), { resolve: (reply) => replies.set(seq, reply), reject: () => {} });
  }
  for (const chunk of chunks) client.receive(chunk);
  return calls.map(({ seq }) => replies.get(seq));
}

/** A definition completes no struct, a value completes one of the given type. */
function byMessage(messages: readonly VectorMessage[]): [expected: unknown, run: () => unknown] {
  const expected = messages.map(({ kind, name }) => kind === "value" ? [name] : []);
  return [expected, () => {
    const decoder = new GobDecoder();
    return messages.map(({ hex }) => decoder.push(Uint8Array.fromHex(hex)).map(({ type }) => type.name));
  }];
}

function isInsideMessage(bytes: Uint8Array): boolean {
  const decoder = new GobDecoder();
  decoder.push(bytes);
  return decoder.isInsideMessage;
}

function encodeRequests(calls: readonly RpcCall[]): Uint8Array {
  const encoder = new GobEncoder();
  for (const { seq, serviceMethod, request } of calls) {
    encoder.write(REQUEST_HEADER, { ServiceMethod: serviceMethod, Seq: seq });
    encoder.write(REQUEST_BODY, {
      ContextId: request.contextId,
      Dir: request.dir,
      CommandName: request.command,
      Args: request.args,
      StdinSet: request.stdinSet,
      Stdin: request.stdin,
      Token: request.token,
    });
  }
  return encoder.take();
}

function encodeReplies(calls: readonly RpcCall[], replies: readonly RpcReply[]): Uint8Array[] {
  const server = new RpcServer();
  return calls.map((call, index) => {
    const reply = replies[index];
    if (reply?.rpcError !== undefined) return server.refuse(call, reply.rpcError);
    if (!reply) throw new TypeError(`call ${call.seq} has no reply`);
    return server.reply(call, reply.reply);
  });
}

function toRequest(request: VectorRequest | undefined): AgentRequest {
  return {
    contextId: request?.ContextId ?? "",
    dir: request?.Dir ?? "",
    command: request?.CommandName ?? "",
    args: request?.Args ?? [],
    stdinSet: request?.StdinSet ?? false,
    stdin: Uint8Array.fromHex(request?.Stdin_hex ?? ""),
    token: request?.Token ?? "",
  };
}

function toReply({ response, rpc_error }: VectorCall): RpcReply {
  if (!response) return { rpcError: rpc_error };
  const { Code: code, Stdout_hex, Stderr_hex } = response;
  const reply = { code, stdout: Uint8Array.fromHex(Stdout_hex), stderr: Uint8Array.fromHex(Stderr_hex) };
  return { rpcError: undefined, reply };
}

function print(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (inner instanceof Uint8Array) return `hex ${inner.toHex()}`;
    return typeof inner === "bigint" ? `${inner}` : inner;
  }) ?? "undefined";
}
