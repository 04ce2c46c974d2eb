/**
 * Hook commands about statuses and versions (contract section 3.3).
 *
 * @module
 */
import type { Call } from "../call.ts";
import { asRecord, asString } from "../shape.ts";

/** Statuses that a charm may set. */
export type StatusLevel = "maintenance" | "blocked" | "waiting" | "active";

function statusOf(reply: Record<string, unknown>): { status: string; message: string } {
  return {
    status: asString("status-get", reply.status ?? null),
    message: asString("status-get", reply.message ?? null),
  };
}

/** Typed forms of `status-set`, `status-get` and `application-version-set`. */
export function statusCommands(call: Call) {
  return {
    /** Sets the unit's (or, as leader, the application's) status **at once**. */
    async set(scope: "unit" | "application", level: StatusLevel, message: string): Promise<void> {
      const flags = scope === "application" ? ["--application"] : [];
      await call.run("status-set", [...flags, "--", level, message]);
    },
    /** The unit's own status. */
    async get(): Promise<{ status: string; message: string }> {
      return statusOf(asRecord("status-get", await call.json("status-get", ["--include-data"])));
    },
    /** The application's own status; leader only. */
    async getApplication(): Promise<{ status: string; message: string }> {
      const reply = asRecord("status-get", await call.json("status-get", ["--include-data", "--application"]));
      return statusOf(asRecord("status-get", reply["application-status"] ?? null));
    },
    /** Sets the version that `juju status` shows for the application, **at once**. */
    async setVersion(version: string): Promise<void> {
      await call.run("application-version-set", ["--", version]);
    },
  };
}
