/**
 * The port to the unit agent: every hook command as one typed function, over either transport.
 *
 * @module
 */
import { hookCommandCall } from "./call.ts";
import { actionCommands } from "./commands/action.ts";
import { leadershipCommands } from "./commands/leadership.ts";
import { modelCommands } from "./commands/model.ts";
import { relationCommands } from "./commands/relation.ts";
import { secretCommands } from "./commands/secret.ts";
import { stateCommands } from "./commands/state.ts";
import { statusCommands } from "./commands/status.ts";
import type { HookCommandTransport } from "./transport.ts";

/** All hook commands, by family. */
export type HookCommands = ReturnType<typeof hookCommands>;

/**
 * Gives typed access to the hook commands.
 *
 * @param transport how commands reach the agent; both adapters behave alike
 */
export function hookCommands(transport: HookCommandTransport) {
  const call = hookCommandCall(transport);
  return {
    relation: relationCommands(call),
    leadership: leadershipCommands(call),
    state: stateCommands(call),
    status: statusCommands(call),
    model: modelCommands(call),
    action: actionCommands(call),
    secret: secretCommands(call),
  };
}
