/**
 * Opens a stream to the unit agent. Source: contract section 8.1.
 *
 * @module
 */
import { AgentError } from "../errors.ts";
import type { JujuEnvironment } from "./environment.ts";

/**
 * Connects to the agent's socket: an abstract unix socket (`@name`), a unix socket file, or TLS over TCP.
 *
 * @param timeoutMs for the TLS handshake, in milliseconds
 * @throws {AgentError} when there is no agent, it cannot be reached, or its certificate is not that of the unit's agent
 */
export async function openAgentStream(environment: JujuEnvironment, timeoutMs: number): Promise<Deno.Conn> {
  const { agentSocketNetwork: network, agentSocketAddress: address } = environment;
  if (address === "") {
    throw new AgentError(
      "JUJU_AGENT_SOCKET_ADDRESS is not set: run this as a hook or with: juju exec --unit UNIT -- …",
    );
  }
  try {
    switch (network) {
      // Deno spells the first byte of an abstract name as it is.
      case "unix":
        return await Deno.connect({ transport: "unix", path: address.replace(/^@/, "\0") });
      case "tcp":
        return await connectTls(environment, timeoutMs);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError(
      `cannot reach the unit agent at ${network} ${address}: ${reason}; ` +
        "it listens only while Juju runs a hook or action: run this as one, or with: juju exec --unit UNIT -- …",
      { cause },
    );
  }
  throw new AgentError(`JUJU_AGENT_SOCKET_NETWORK is ${JSON.stringify(network)}; only unix and tcp are known`);
}

async function connectTls(environment: JujuEnvironment, timeoutMs: number): Promise<Deno.Conn> {
  const { agentSocketAddress: address, agentCaCert, unitName } = environment;
  const [, hostname, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  if (hostname === undefined || port === undefined) throw new TypeError("the address is not of the form HOST:PORT");
  const caCert = await Deno.readTextFile(agentCaCert);
  const plain = await Deno.connect({ hostname: hostname || "127.0.0.1", port: Number(port) });
  // The agent's certificate names the application, not the host.
  const [application = ""] = unitName.split("/");
  const secure = await Deno.startTls(plain, { hostname: application, caCerts: [caCert] });
  const deadline = setTimeout(() => closeQuietly(secure), timeoutMs);
  try {
    await secure.handshake();
    return secure;
  } catch (error) {
    closeQuietly(secure);
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

/** Closes a stream that may be closed already. */
export function closeQuietly(stream: Deno.Conn): void {
  try {
    stream.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
