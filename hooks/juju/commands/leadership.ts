/**
 * Hook commands about leadership (contract section 3.3).
 *
 * @module
 */
import type { Call } from "../call.ts";
import { asBoolean, asStringMap } from "../shape.ts";

/** Typed forms of `is-leader`, `leader-get` and `leader-set`. */
export function leadershipCommands(call: Call) {
  return {
    /** True promises about 30 s of leadership from now. */
    async isLeader(): Promise<boolean> {
      return asBoolean("is-leader", await call.json("is-leader", []));
    },
    /** All leader settings (Juju 3.6 and older). */
    async settings(): Promise<Record<string, string>> {
      return asStringMap("leader-get", await call.json("leader-get", ["--", "-"]));
    },
    /** Changes leader settings **at once** (Juju 3.6 and older); an empty value removes the key. */
    async set(values: Readonly<Record<string, string>>): Promise<void> {
      await call.run("leader-set", ["--", ...Object.entries(values).map(([key, value]) => `${key}=${value}`)]);
    },
  };
}
