/**
 * What a unit remembers from hook to hook.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { isFlag, isMadeOf, isNumber, isText, isTexts, type PartChecks, readParts } from "../../remembered.ts";

/** Fingerprints of what a member is started with. */
export interface Loaded {
  readonly config: string;
  readonly trust: string;
  /** Of where it listens and is found, a part of its configuration; earlier revisions did not remember it. */
  readonly address?: string;
}

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
  readonly loaded?: Loaded;
  /** Client URLs of the other members when last seen. */
  readonly others?: readonly string[];
}

const NOTHING: Memory = {};

const hasFingerprints = isMadeOf({ config: isText, trust: isText });
const isMaybeText = (value: unknown) => value === undefined || isText(value);

const CHECKS: PartChecks<Memory> = {
  dataDirectory: isText,
  started: isFlag,
  memberId: isText,
  leaving: isFlag,
  left: isFlag,
  settled: isText,
  leaves: isMadeOf({ version: isNumber, names: isText, renewAt: isNumber }),
  loaded: (value) => hasFingerprints(value) && isMaybeText((value as Loaded).address),
  others: isTexts,
};

/** What this unit remembers. */
export function readMemory(ctx: Context): Memory {
  return ctx.stored.get(NOTHING, (value) => readParts(value, CHECKS));
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
