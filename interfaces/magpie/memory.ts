/**
 * What a unit remembers of its checks from hook to hook.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";

/** Peers whose throughput is remembered: Juju keeps 64 KiB of a value. */
const MAX_MEASURED = 700;
/** Peers that are remembered to be first next time. */
const MAX_UNCHECKED = 100;

/** What is remembered. */
export interface Memory {
  /** Which failures the log has, as a digest. */
  readonly logged: string;
  /** Settings with which throughput was measured; others make it obsolete. */
  readonly settings: string;
  /** Peers whose throughput is good, with the address that it was measured to. */
  readonly measured: Readonly<Record<string, string>>;
  /** Peers whose throughput was not good, the one that was measured last at the end. */
  readonly failed: readonly string[];
  /** Peers that the last hook had no time for. */
  readonly unchecked: readonly string[];
  /** Directory of the iperf server that this unit runs; `""` for none. */
  readonly server: string;
  /** Packages could not be installed. */
  readonly packagesMissing: boolean;
}

const NOTHING: Memory = {
  logged: "",
  settings: "",
  measured: {},
  failed: [],
  unchecked: [],
  server: "",
  packagesMissing: false,
};

/** What this unit remembers; whatever another revision wrote in another form is forgotten. */
export function readMemory(ctx: Context): Memory {
  return ctx.stored.get(NOTHING, (value) => {
    const { logged, settings, measured, failed, unchecked, server, packagesMissing } = isRecord(value) ? value : {};
    return {
      logged: typeof logged === "string" ? logged : "",
      settings: typeof settings === "string" ? settings : "",
      measured: isRecord(measured) && isTexts(Object.values(measured)) ? measured as Memory["measured"] : {},
      failed: Array.isArray(failed) && isTexts(failed) ? failed : [],
      unchecked: Array.isArray(unchecked) && isTexts(unchecked) ? unchecked : [],
      server: typeof server === "string" ? server : "",
      packagesMissing: packagesMissing === true,
    };
  });
}

/** Remembers something else. */
export function remember(ctx: Context, changes: Partial<Memory>): void {
  const next = { ...readMemory(ctx), ...changes };
  const measured = Object.fromEntries(Object.entries(next.measured).slice(0, MAX_MEASURED));
  ctx.stored.set({
    ...next,
    measured,
    failed: next.failed.slice(0, MAX_MEASURED),
    unchecked: next.unchecked.slice(0, MAX_UNCHECKED),
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(values: readonly unknown[]): values is string[] {
  return values.every((each) => typeof each === "string");
}
