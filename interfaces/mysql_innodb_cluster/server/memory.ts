/**
 * What a unit remembers from hook to hook.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import type { StoredValue } from "../../../hooks/stored.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { isAll, isFlag, isMadeOf, isNumber, isText, type PartChecks, readParts } from "../../remembered.ts";
import { peersEndpoint } from "../peers.ts";

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
  /** For what the certificate on disk is. */
  readonly certificate?: string;
  /** Version of the passwords with which the server was prepared, and with which it recovers; 0 for new data. */
  readonly prepared?: number;
  /** Version of the passwords that this unit has seen in use, or set, on the primary. */
  readonly applied?: number;
  /** Addresses of the other units, by unit, as last seen. */
  readonly addresses?: Readonly<Record<string, Address>>;
  /** Since when a server that gets the cluster's data has done nothing (milliseconds since 1970), and what it has. */
  readonly idle?: { readonly executed: string; readonly since: number } | undefined;
  /** Addresses of units that departed and may still be in the cluster. */
  readonly departed?: readonly Address[];
}

const NOTHING: Memory = {};

const isAddress = isMadeOf({ host: isText, port: isNumber });
const CHECKS: PartChecks<Memory> = {
  dataDirectory: isText,
  wasMember: isFlag,
  leaving: isFlag,
  left: isFlag,
  settled: isText,
  certificate: isText,
  prepared: isNumber,
  applied: isNumber,
  addresses: isAll("map", isAddress),
  idle: isMadeOf({ executed: isText, since: isNumber }),
  departed: isAll("list", isAddress),
};

/** What this unit remembers. */
export function readMemory(ctx: Context): Memory {
  return storeOf(ctx).get(NOTHING, (value) => readParts(value, CHECKS));
}

/** Remembers more, or something else. */
export function remember(ctx: Context, changes: Partial<Memory>): Memory {
  const memory = { ...readMemory(ctx), ...changes };
  storeOf(ctx).set(memory);
  return memory;
}

/** One memory for the unit, whichever of its modules asks. */
function storeOf(ctx: Context): StoredValue {
  return ctx.storedAs(peersEndpoint(ctx).name);
}
