/**
 * Chooses how hook commands reach the agent: the agent's socket, or else child processes.
 *
 * @module
 */
import { AgentError, EnvironmentError } from "../errors.ts";
import { connectAgent } from "./agent_socket.ts";
import type { JujuEnvironment } from "./environment.ts";
import type { HookCommandTransport } from "./transport.ts";

/** The transport, and why it is not the native one. */
export interface Connection {
  readonly transport: HookCommandTransport;
  /** Why the native protocol is not used; undefined when it is, or when processes were asked for. */
  readonly fallback: string | undefined;
}

/**
 * Connects to the unit agent.
 *
 * @param env the process environment; `CHARMLET_HOOK_COMMANDS` forces `native` or `process`
 * @throws {EnvironmentError} when this is no hook environment, or the forced kind does not exist
 * @throws {AgentError} when `native` is forced and the agent cannot be reached
 */
export async function connect(
  environment: JujuEnvironment,
  env: Readonly<Record<string, string>>,
): Promise<Connection> {
  if (environment.contextId === "") {
    throw new EnvironmentError(
      "JUJU_CONTEXT_ID is not set: this is no hook environment; run it with: juju exec --unit UNIT -- …",
    );
  }
  const forced = env.CHARMLET_HOOK_COMMANDS ?? "";
  switch (forced) {
    case "process":
      return { transport: await processes(environment, env), fallback: undefined };
    case "native":
      return { transport: await connectAgent(environment), fallback: undefined };
    case "":
      break;
    default:
      throw new EnvironmentError(
        `CHARMLET_HOOK_COMMANDS is ${JSON.stringify(forced)}; set it to native or process, or unset it`,
      );
  }
  try {
    return { transport: await connectAgent(environment), fallback: undefined };
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause;
    return { transport: await processes(environment, env), fallback: cause.message };
  }
}

async function processes(
  environment: JujuEnvironment,
  env: Readonly<Record<string, string>>,
): Promise<HookCommandTransport> {
  const { processTransport } = await import("./process.ts");
  return processTransport({ environment, env });
}
