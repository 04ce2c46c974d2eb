/**
 * What is measured, and what the figures are held against.
 *
 * @module
 */
import type { Hook } from "../model/local_state.ts";
import type { HookCost, HookJob, Laboratory } from "./laboratory.ts";
import { type Spread, spread } from "./stats.ts";
import { CHECK, magpieWorld } from "./magpie.ts";
import { benchWorld, changedHook, ETCD_OFFER } from "./world.ts";

/** One line of the table before it is measured. */
export interface Case {
  readonly id: string;
  /** Fewer runs than the others, where one takes seconds. */
  readonly maxRuns?: number;
  readonly run: () => Promise<HookCost>;
  /** Bytes; undefined for what is no hook. */
  readonly memory?: () => Promise<number>;
}

/** One line of the table. Times are milliseconds, sizes bytes. */
export interface Row {
  readonly id: string;
  readonly runs: number;
  readonly ms: Spread;
  readonly agentMs: number;
  readonly commands: number;
  readonly memory: number | undefined;
}

/** A figure with the bound that it must keep. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly bound: "at most" | "at least";
  readonly limit: number;
  readonly unit: "×" | "MiB" | "ms";
}

/** How long a hook command takes as a process on the machine that the targets speak of, in milliseconds. */
const COMMAND_MS = 20;
const MIB = 1024 * 1024;

/** How many remote databags are read. */
const SIZES = [2, 10, 100] as const;

/**
 * Lists the cases.
 *
 * @param slowRuns how often the hook with the most processes runs
 */
export async function casesOf(laboratory: Laboratory, slowRuns: number): Promise<Case[]> {
  const small = benchWorld(2);
  const updateStatus: Hook = { kind: "update-status", name: "update-status", seen: "1" };
  const hook = (id: string, job: HookJob, maxRuns?: number): Case => ({
    id,
    ...(maxRuns === undefined ? {} : { maxRuns }),
    run: () => laboratory.runHook(job),
    // The product's own executable does not tell its memory.
    ...(job.program === "bench" ? { memory: () => laboratory.memoryOf(job) } : {}),
  });
  const timed = (id: string, run: () => Promise<number>): Case => ({
    id,
    run: async () => ({ ms: await run(), agentMs: 0, commands: [] }),
  });
  const changed = SIZES.flatMap((size) => {
    const world = benchWorld(size);
    const job = { program: "bench" as const, world, hook: changedHook(world) };
    return [
      hook(`changed-${size}`, { ...job, transport: "native" }),
      hook(`changed-${size} by processes`, { ...job, transport: "process" }, size === 100 ? slowRuns : undefined),
    ];
  });
  const magpie = async (id: string, peers: number, icmp: boolean): Promise<Case> =>
    hook(id, { program: "magpie", world: await magpieWorld(peers, icmp), hook: CHECK, transport: "native" });
  const offered = benchWorld(3, ETCD_OFFER);
  return [
    timed("hello world", () => laboratory.runProgram("hello")),
    hook("update-status", { program: "bench", world: small, hook: updateStatus, transport: "native" }),
    hook("update-status, charmlet", { program: "charmlet", world: small, hook: updateStatus, transport: "native" }),
    await magpie("magpie, nothing to check", 50, false),
    await magpie("magpie, ICMP of 1 peer", 1, true),
    await magpie("magpie, ICMP of 50 peers", 50, true),
    hook("etcd client, changed-3", {
      program: "etcd",
      world: offered,
      hook: changedHook(offered),
      transport: "native",
    }),
    ...changed,
    timed("is-leader as a process", () => laboratory.runTool(small)),
  ];
}

/**
 * Makes a line of what was measured.
 *
 * @throws {Error} runs of one case differ in their commands: they were not the same hook
 */
export function rowOf(id: string, costs: readonly HookCost[], memory: number | undefined): Row {
  const counts = new Set(costs.map(({ commands }) => commands.length));
  const [commands, ...others] = counts;
  if (commands === undefined || others.length > 0) throw new Error(`${id} ran ${[...counts].join(" or ")} commands`);
  const agentMs = spread(costs.map((cost) => cost.agentMs)).median;
  return { id, runs: costs.length, ms: spread(costs.map(({ ms }) => ms)), agentMs, commands, memory };
}

/**
 * What a hook would take if each of its hook commands took {@linkcode COMMAND_MS} as a process. They run one after the
 * other, so the difference counts once for each.
 *
 * @param toolMs what a hook command takes here
 */
export function normalized(row: Row, toolMs: number): number {
  return row.ms.median - row.commands * (toolMs - COMMAND_MS);
}

/**
 * Holds the figures against the targets: ratios within one run, memory and size, but no times.
 *
 * @param rows all lines, by the ids of {@linkcode casesOf}
 * @param executable size in bytes
 */
export function targetsOf(rows: readonly Row[], executable: number): Target[] {
  const find = (id: string): Row => {
    const row = rows.find((one) => one.id === id);
    if (!row) throw new RangeError(`${id} was not measured`);
    return row;
  };
  const floor = find("hello world").ms.median;
  const toolMs = find("is-leader as a process").ms.median;
  const ofFloor = (id: string, limit: number): Target => {
    return { what: `${id} / hello world`, value: find(id).ms.median / floor, bound: "at most", limit, unit: "×" };
  };
  const faster = (size: number, limit: number): Target => ({
    what: `changed-${size}: processes of ${COMMAND_MS} ms / native`,
    value: normalized(find(`changed-${size} by processes`), toolMs) / find(`changed-${size}`).ms.median,
    bound: "at least",
    limit,
    unit: "×",
  });
  const fifty = find("magpie, ICMP of 50 peers").ms.median / find("magpie, ICMP of 1 peer").ms.median;
  const memory = Math.max(...rows.map((row) => row.memory ?? 0));
  return [
    ofFloor("changed-10", 1.35),
    ofFloor("changed-100", 1.8),
    ofFloor("update-status", 1.15),
    ofFloor("update-status, charmlet", 1.15),
    ofFloor("magpie, nothing to check", 1.35),
    {
      what: "etcd client, changed-3 − changed-2",
      value: find("etcd client, changed-3").ms.median - find("changed-2").ms.median,
      bound: "at most",
      limit: 5,
      unit: "ms",
    },
    { what: "magpie, 50 peers / 1 peer", value: fifty, bound: "at most", limit: 1.5, unit: "×" },
    faster(10, 5),
    faster(100, 25),
    { what: "peak memory of a hook", value: memory / MIB, bound: "at most", limit: 70, unit: "MiB" },
    { what: "executable", value: executable / MIB, bound: "at most", limit: 100, unit: "MiB" },
  ];
}

/** Whether a figure keeps its bound. */
export function isMet({ value, bound, limit }: Target): boolean {
  return bound === "at most" ? value <= limit : value >= limit;
}
