/**
 * State kept by Juju: it commits in the same transaction as the databags.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import type { HookCommands } from "../juju/commands.ts";
import type { StateBackend } from "./backend.ts";

/** Longest key, in bytes (juju core/quota). */
export const MAX_KEY_BYTES = 256;
/** Longest value, in bytes (juju core/quota). */
export const MAX_VALUE_BYTES = 65_536;

const encoder = new TextEncoder();

/** State in the unit agent, through `state-get`, `state-set` and `state-delete`. */
export function agentStore(commands: HookCommands): StateBackend {
  return {
    kind: "agent",
    load: () => commands.state.get(),
    async save(changes) {
      const values: Record<string, string> = {};
      const removed: string[] = [];
      for (const [key, value] of changes) {
        if (value === null) removed.push(key);
        else values[key] = checked(key, value);
      }
      const calls = removed.map((key) => commands.state.delete(key));
      if (Object.keys(values).length > 0) calls.push(commands.state.set(values));
      await Promise.all(calls);
    },
    close() {},
  };
}

function checked(key: string, value: string): string {
  if (encoder.encode(key).length > MAX_KEY_BYTES) {
    throw new StateError(`the state key ${JSON.stringify(key.slice(0, 40))}… is longer than ${MAX_KEY_BYTES} bytes`);
  }
  const size = encoder.encode(value).length;
  if (size > MAX_VALUE_BYTES) {
    throw new StateError(
      `${key} has grown to ${size} bytes and Juju stores at most ${MAX_VALUE_BYTES} a key; ` +
        "see what it holds with --deferred and --flags, and store less",
    );
  }
  return value;
}
