/**
 * What the tests of the agent's socket share.
 *
 * @module
 */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { AgentError } from "../../hooks/errors.ts";
import { ERROR_BODY, RESPONSE_BODY, RESPONSE_HEADER } from "../../hooks/juju/agent_rpc.ts";
import { type AgentOptions, connectAgent } from "../../hooks/juju/agent_socket.ts";
import { type JujuEnvironment, readJujuEnvironment } from "../../hooks/juju/environment.ts";
import { GobEncoder } from "../../hooks/juju/gob.ts";
import type { HookCommandTransport } from "../../hooks/juju/transport.ts";
import { type AgentHandler, serveAgent } from "../model/rpc_server.ts";

export const CONTEXT_ID = "app/0-config-changed-0123456789abcdef0123456789abcdef";
export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
export const bytes = (value: string) => new TextEncoder().encode(value);
export const printed = (stdout: string) => ({ code: 0, stdout: bytes(stdout), stderr: new Uint8Array() });
export const echo: AgentHandler = ({ command, args }) => printed(`${[command, ...args].join(" ")}\n`);

export function environment(address: string, more: Record<string, string> = {}): JujuEnvironment {
  return readJujuEnvironment({
    JUJU_AGENT_SOCKET_ADDRESS: address,
    JUJU_AGENT_SOCKET_NETWORK: "unix",
    JUJU_CONTEXT_ID: CONTEXT_ID,
    JUJU_CHARM_DIR: "/charm",
    JUJU_UNIT_NAME: "app/0",
    ...more,
  });
}

export const abstractAddress = () => `@/charmlet-test/${crypto.randomUUID()}/agent.socket`;

/** Runs a test against the simulated agent on an abstract socket. */
export async function withAgent(
  handle: AgentHandler,
  test: (agent: HookCommandTransport) => Promise<void>,
): Promise<void> {
  const address = abstractAddress();
  const server = serveAgent({ network: "unix", address, handle });
  const agent = await connectAgent(environment(address));
  try {
    await test(agent);
  } finally {
    agent.close();
    await server.close();
  }
}

/** Runs a test against an agent that takes the first bytes of a connection and does as told. */
export async function withPeer(
  behave: (stream: Deno.Conn) => Promise<void>,
  test: (agent: HookCommandTransport) => Promise<void>,
  options?: AgentOptions,
): Promise<void> {
  const address = abstractAddress();
  const listener = Deno.listen({ transport: "unix", path: `\0${address.slice(1)}` });
  const peer = (async () => {
    const stream = await listener.accept();
    await stream.read(new Uint8Array(65536));
    await behave(stream);
    stream.close();
  })();
  const agent = await connectAgent(environment(address), options);
  try {
    await test(agent);
  } finally {
    agent.close();
    await peer;
    listener.close();
  }
}

export async function assertAgentError(promise: Promise<unknown>, ...texts: string[]): Promise<void> {
  const error = await assertRejects(() => promise, AgentError);
  assertEquals(error.message.includes("\n"), false);
  for (const part of texts) assertStringIncludes(error.message, part);
}

/** Bytes of replies as a Go peer would send them. */
export function replies(...list: { seq: number; error?: string; stdout?: string }[]): Uint8Array {
  const encoder = new GobEncoder();
  for (const { seq, error, stdout } of list) {
    encoder.write(RESPONSE_HEADER, { ServiceMethod: "Jujuc.Main", Seq: seq, Error: error });
    if (error) encoder.write(ERROR_BODY, {});
    else encoder.write(RESPONSE_BODY, { Stdout: bytes(stdout ?? "") });
  }
  return encoder.take();
}

export async function send(stream: Deno.Conn, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length;) at += await stream.write(data.subarray(at));
}

/** Says nothing until the client is gone. */
export async function untilClosed(stream: Deno.Conn): Promise<void> {
  await stream.read(new Uint8Array(1));
}
