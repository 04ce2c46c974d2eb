/**
 * Runs files of golden traces: recorded behaviour of the original interfaces, hook by hook.
 *
 * @module
 */
import { RELATIONS } from "./relation_definitions.ts";
import type { InterfaceDefinition, LazyInterface } from "../../hooks/definition.ts";
import { adapterFor } from "./trace_adapters.ts";
import { compareStep, type Difference } from "./trace_compare.ts";
import { type Deviations, judge, readDeviations } from "./trace_deviations.ts";
import { runEventCases } from "./trace_events.ts";
import { readTraceFile, type TraceCase, type TraceContext } from "./trace_format.ts";
import { runTraceStep } from "./trace_step.ts";
import { charmOf, eventOf, traceWorld } from "./trace_world.ts";

/** A step that did what neither the trace nor a deviation says. */
export interface TraceFailure {
  /** Case and number of the step, from 0. */
  readonly id: string;
  readonly expected: string;
  readonly got: string;
}

/** Result of a file, counted by steps; what is skipped, by cases. */
export interface TraceResult {
  readonly passed: number;
  readonly deviating: number;
  readonly skipped: number;
  readonly failed: readonly TraceFailure[];
  /** Why cases were skipped. */
  readonly note: string | undefined;
}

/** How to run a file. */
export interface TraceOptions {
  /** Default: those of deviations.json. */
  readonly deviations?: Deviations;
  /** Default: those of the executable. */
  readonly interfaces?: readonly (InterfaceDefinition | LazyInterface)[];
}

const DEVIATIONS = new URL("deviations.json", import.meta.url).pathname;
/** The library whose events `event-cases` files record. */
const EVENT_LIBRARY = "async-replication";
/** 2026-01-01: when the hooks of a trace run, in milliseconds since 1970. */
const NOW = 1_767_225_600_000;

/**
 * Runs all cases of a file.
 *
 * @throws {SyntaxError} the file is not JSON
 * @throws {TypeError} the file is of another format
 */
export async function runTraces(path: string, options: TraceOptions = {}): Promise<TraceResult> {
  const file = await readTraceFile(path);
  const counts = { passed: 0, deviating: 0, skipped: 0 };
  const failed: TraceFailure[] = [];
  const deviations = options.deviations ?? await readDeviations(DEVIATIONS);
  if (file.kind === "event-cases") {
    if (file.interface !== EVENT_LIBRARY) {
      const note = `no implementation of ${file.interface} in this build`;
      return { ...counts, skipped: file.cases.length, failed, note };
    }
    const result = await runEventCases(file.cases, deviations);
    const failures = result.failed.map(({ id, differences }) => ({ id, ...sides(differences) }));
    return { ...counts, ...result, failed: failures, note: undefined };
  }
  const missing = new Set<string>();
  for (const trace of file.cases) {
    const unknown = charmOf(trace).endpoints.find((each) => !adapterFor(each.interface, each.role));
    if (unknown) {
      counts.skipped++;
      missing.add(`${unknown.interface} (${unknown.role})`);
      continue;
    }
    const result = await runCase(trace, deviations, options.interfaces ?? RELATIONS);
    counts.passed += result.passed;
    counts.deviating += result.deviating;
    failed.push(...result.failed);
  }
  const note = missing.size === 0 ? undefined : `no implementation of ${[...missing].join(", ")} in this build`;
  return { ...counts, failed, note };
}

async function runCase(
  trace: TraceCase,
  deviations: Deviations,
  interfaces: readonly (InterfaceDefinition | LazyInterface)[],
) {
  const result = { passed: 0, deviating: 0, failed: [] as TraceFailure[] };
  const scratch = await Deno.makeTempDir({ prefix: "trace-" });
  const run = { world: traceWorld(trace), charm: charmOf(trace), interfaces, scratch };
  run.world.now = NOW;
  let context: TraceContext = trace;
  let wasReset = false;
  const diverged = new Set<string>();
  try {
    for (const [index, step] of trace.steps.entries()) {
      const id = `${trace.id} step ${index} (${step.hook})`;
      context = { ...context, ...step.context };
      wasReset ||= step.state_reset_before ?? false;
      try {
        const outcome = await runTraceStep(run, context, step, eventOf(step, run.charm));
        const differences = compareStep(step, outcome);
        const { verdict, unexplained, because } = judge(deviations, { trace, step, wasReset, diverged }, differences);
        for (const each of because) diverged.add(each);
        if (verdict === "failed") result.failed.push({ id, ...sides(unexplained) });
        else result[verdict]++;
      } catch (error) {
        const got = `the step cannot be run: ${error instanceof Error ? error.message : String(error)}`;
        result.failed.push({ id, expected: "a hook", got });
      }
    }
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  return result;
}

function sides(differences: readonly Difference[]): Pick<TraceFailure, "expected" | "got"> {
  return {
    expected: differences.map(({ what, expected }) => `${what} ${expected}`).join("; "),
    got: differences.map(({ what, got }) => `${what} ${got}`).join("; "),
  };
}
