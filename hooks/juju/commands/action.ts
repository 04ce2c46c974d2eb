/**
 * Hook commands of actions (contract section 5).
 *
 * @module
 */
import type { Call } from "../call.ts";
import { asRecord } from "../shape.ts";

/** Typed forms of the `action-*` commands. */
export function actionCommands(call: Call) {
  return {
    /** All parameters, with the defaults of actions.yaml. */
    async params(): Promise<Record<string, unknown>> {
      return asRecord("action-get", await call.json("action-get", []));
    },
    /** Sets results; dots in keys nest. */
    async set(values: Readonly<Record<string, string>>): Promise<void> {
      await call.run("action-set", ["--", ...Object.entries(values).map(([key, value]) => `${key}=${value}`)]);
    },
    /** Marks the action as failed. */
    async fail(message: string): Promise<void> {
      await call.run("action-fail", ["--", message]);
    },
    /** Shows progress to who runs the action, at once. */
    async log(message: string): Promise<void> {
      await call.run("action-log", ["--", message]);
    },
  };
}
