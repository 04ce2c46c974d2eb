/**
 * What a unit remembers from hook to hook.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import type { Address } from "../../clients/mysql/status.ts";

/** Remembered with the databags: a hook that fails leaves nothing. */
export interface Memory {
  /** The option's value when the unit was set up. */
  readonly dataDirectory?: string;
  /** The server has been a member of the cluster: from then on it never makes a new one. */
  readonly wasMember?: boolean;
  /** The unit is being removed. */
  readonly leaving?: boolean;
  /** Others have the data. */
  readonly left?: boolean;
  /** Fingerprint of all that was looked at when everything was well. */
  readonly settled?: string;
  /** Fingerprint of what the running server was started with. */
  readonly loaded?: string;
  /** For what the certificate on disk is. */
  readonly certificate?: string;
  /** Version of the passwords with which the server was prepared, and with which it recovers; 0 for new data. */
  readonly prepared?: number;
  /** Version of the passwords that this unit has seen in use, or set, on the primary. */
  readonly applied?: number;
  /** Addresses of the other units, by unit, as last seen. */
  readonly addresses?: Readonly<Record<string, Address>>;
  /** Addresses of units that departed and may still be in the cluster. */
  readonly departed?: readonly Address[];
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
