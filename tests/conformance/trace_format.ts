/**
 * The files of golden traces, `juju-golden-trace/1`, as far as the runner reads them. See data/traces/README.md.
 *
 * @module
 */

import type { EventCase, EventStep } from "./trace_events_format.ts";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** How the charm gets hold of an interface's object. */
export type Lookup = { readonly flag: string } | { readonly name: string };

/** One method call of the charm. */
export interface TraceCall {
  readonly via: Lookup;
  readonly method: string;
  readonly args?: readonly unknown[];
  /** False: the charm lets an error of the call end the hook. */
  readonly caught?: boolean;
}

/** What became of a call. */
export interface CallResult {
  readonly result?: unknown;
  readonly error?: string;
  readonly no_endpoint?: boolean;
  readonly files_after?: Readonly<Record<string, string>>;
}

/** A relation during a hook. */
export interface TraceRelation {
  readonly endpoint: string;
  readonly app: string;
  readonly members: readonly string[];
  readonly data: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What surrounds the hooks of a case; a step may change it. */
export interface TraceContext {
  readonly unit: string;
  readonly leader: boolean;
  readonly config: Readonly<Record<string, string | number | boolean | null>>;
  readonly network: Readonly<Record<string, string>>;
  readonly private_address: string;
  readonly host_interfaces: Readonly<Record<string, readonly string[]>>;
}

/** One hook. */
export interface TraceStep {
  readonly hook: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly model: { readonly relations: Readonly<Record<string, TraceRelation>> };
  readonly context?: Partial<TraceContext>;
  readonly state_reset_before?: boolean;
  readonly calls?: readonly TraceCall[];
  readonly charm_raises?: boolean;
  readonly oddities?: readonly string[];
  readonly expect: {
    readonly exit: number;
    readonly flags: readonly string[];
    readonly flag_members?: Readonly<Record<string, readonly string[]>>;
    readonly databag: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly calls?: readonly CallResult[];
    readonly getters?: Json;
  };
}

type Roles = "peers" | "provides" | "requires";

/** Hooks in order that share persistent state. */
export interface TraceCase extends TraceContext {
  readonly id: string;
  readonly charm: {
    readonly name: string;
    readonly relations: { readonly [R in Roles]?: Readonly<Record<string, { readonly interface: string }>> };
  };
  readonly oddities?: readonly string[];
  readonly steps: readonly TraceStep[];
}

/** A file of hooks, or of events of the replication library. */
export type TraceFile =
  | { readonly kind: "hook-sequences"; readonly interface: string; readonly cases: readonly TraceCase[] }
  | { readonly kind: "event-cases"; readonly interface: string; readonly cases: readonly EventCase[] };

/**
 * Reads a file.
 *
 * @throws {SyntaxError} the file is not JSON
 * @throws {TypeError} the file has another format
 */
export async function readTraceFile(path: string): Promise<TraceFile> {
  const file = JSON.parse(await Deno.readTextFile(path));
  if (file?.format !== "juju-golden-trace/1") throw new TypeError(`${path}: the format is not juju-golden-trace/1`);
  if (file.kind !== "hook-sequences" && file.kind !== "event-cases") {
    throw new TypeError(`${path}: the kind ${JSON.stringify(file.kind)} is not known`);
  }
  if (!Array.isArray(file.cases)) throw new TypeError(`${path}: "cases" is missing`);
  for (const [index, each] of file.cases.entries()) {
    const isHook = file.kind === "hook-sequences";
    const isWhole = Array.isArray(each?.steps) &&
      each.steps.every((step: Partial<EventStep & TraceStep> | null) =>
        isHook ? step?.hook && step.model?.relations && step.expect : step?.event && step.state && step.expect
      );
    if (!isWhole || (isHook && !each.charm?.relations)) {
      throw new TypeError(`${path}: case ${each?.id ?? index} is not complete`);
    }
  }
  return file;
}

/** The number of a relation id: 7 of `db:7`. */
export function relationNumber(id: string): number {
  return Number(id.slice(id.lastIndexOf(":") + 1));
}
