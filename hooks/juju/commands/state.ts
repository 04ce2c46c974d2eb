/**
 * Hook commands about the charm state that Juju keeps (contract section 3.3).
 *
 * @module
 */
import type { Call } from "../call.ts";
import { asStringMap } from "../shape.ts";

/** Typed forms of the `state-*` commands. */
export function stateCommands(call: Call) {
  return {
    /** Everything stored for this unit. */
    async get(): Promise<Record<string, string>> {
      return asStringMap("state-get", await call.json("state-get", []));
    },
    /** Stores values with the commit of the hook; an empty value is stored as such. */
    async set(values: Readonly<Record<string, string>>): Promise<void> {
      await call.run("state-set", ["--file", "-"], JSON.stringify(values));
    },
    /** Removes a key with the commit of the hook. */
    async delete(key: string): Promise<void> {
      await call.run("state-delete", ["--", key]);
    },
  };
}
