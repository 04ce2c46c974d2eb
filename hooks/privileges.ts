/**
 * The executable starts with every permission, because the agent's abstract socket asks for them all in Deno 2.7.
 * Once connected it gives up what the handlers of the hook did not declare.
 *
 * @module
 */
import { type Permission, PERMISSIONS } from "./definition.ts";

/** What running hook commands as child processes takes away from the promise: `run`, and `write` for secret files. */
export const PROCESS_TRANSPORT_NEEDS: readonly Permission[] = ["run", "write"];

/** What a state file in the charm directory needs. */
export const FILE_STORE_NEEDS: readonly Permission[] = ["read", "write"];

/** Revokes every kind of permission that is not needed. There is no way back in this process. */
export function revokeAllBut(needs: ReadonlySet<Permission>): void {
  for (const name of PERMISSIONS) {
    if (!needs.has(name)) Deno.permissions.revokeSync({ name });
  }
}
