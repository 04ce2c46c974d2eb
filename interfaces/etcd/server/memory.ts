/**
 * What a unit remembers from hook to hook.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";

/** Remembered with the databags: a hook that fails leaves nothing. */
export interface Memory {
  /** The option's value when the unit was set up. */
  readonly dataDirectory?: string;
  /** The own member has been healthy with the data that is there. */
  readonly started?: boolean;
  readonly memberId?: string;
  /** The unit is being removed. */
  readonly leaving?: boolean;
  /** Its member has left the cluster: others have the data. */
  readonly left?: boolean;
  /** Fingerprint of all that was looked at when everything was well. */
  readonly settled?: string;
  /** The certificates on disk: version and names for which they are, and when they must be renewed. */
  readonly leaves?: { readonly version: number; readonly names: string; readonly renewAt: number };
  /** Fingerprints of what the running member was started with. */
  readonly loaded?: { readonly config: string; readonly trust: string };
  /** Client URLs of the other members when last seen. */
  readonly others?: readonly string[];
}

const NOTHING: Memory = {};

/** What this unit remembers. */
export function readMemory(ctx: Context): Memory {
  return ctx.stored.get(NOTHING, (value) => typeof value === "object" && value !== null ? value as Memory : NOTHING);
}

/** Remembers more, or something else. */
export function remember(ctx: Context, changes: Partial<Memory>): Memory {
  const memory = { ...readMemory(ctx), ...changes };
  ctx.stored.set(memory);
  return memory;
}

/** Forgets what was about data that is no longer there. */
export function forgetMember(ctx: Context): void {
  const { started: _started, memberId: _id, settled: _settled, loaded: _loaded, ...rest } = readMemory(ctx);
  ctx.stored.set(rest);
}
