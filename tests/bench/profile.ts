/**
 * `build/deno task bench -- --profile`: where the time of our own hooks goes.
 *
 * @module
 */
import { type HookTool, Laboratory } from "./laboratory.ts";
import { type Joint, JOINTS, SPENT_ON, type Trace } from "./profile_charm.ts";
import type { Instant } from "./profile_clock.ts";
import { compilePrograms } from "./programs.ts";
import { align } from "./report.ts";
import { quantile } from "./stats.ts";
import { benchWorld, changedHook, METADATA } from "./world.ts";

/** Milliseconds by what they went to, of one run. */
type Parts = Readonly<Record<string, number>>;

/** How long the least program takes, in milliseconds. */
interface Floor {
  /** Until its first line: wall time from its start, and the processor's. */
  readonly entered: Instant;
  readonly ms: number;
  /** From its first line to its end. */
  readonly rest: number;
}

/** What is profiled: a hook that finds what an earlier one has kept of the charm's files, or the first hook. */
const CASES = [
  { title: "changed-2", size: 2, isFirst: false },
  { title: "changed-10", size: 10, isFirst: false },
  { title: "changed-100", size: 100, isFirst: false },
  { title: "changed-10, first", size: 10, isFirst: true },
] as const;

/**
 * Measures and prints.
 *
 * @param runs of each case, in turn
 */
export async function profile(runs: number, tool: HookTool): Promise<void> {
  await compilePrograms(["profile-floor", "profile"]);
  await using laboratory = await Laboratory.open(tool);
  await laboratory.deploy("bench", "profile", { text: METADATA });
  const cases = CASES.map((one) => ({ ...one, world: benchWorld(one.size), parts: new Array<Parts>() }));
  const floors: Floor[] = [];
  for (let run = -1; run < runs; run++) {
    const floor = await runFloor(laboratory);
    // The first round only warms up.
    if (run >= 0) floors.push(floor);
    for (const { world, isFirst, parts } of cases) {
      if (isFirst) await laboratory.forget("bench");
      const hook = changedHook(world);
      const start = [`hooks/${hook.name}`] as const;
      const traced = await laboratory.trace({ charm: "bench", start, world, hook, isChange: true });
      const trace: Trace = JSON.parse(traced.stdout);
      if (run >= 0) {
        const wall = partsOf(trace, traced.startedAt, traced.ms, traced.agentMs, floor);
        parts.push({ ...wall, ...processorOf(trace, floor) });
      }
    }
  }
  const columns = cases.map(({ parts }) => mediansOf(parts));
  const names = Object.keys(columns[0] ?? {});
  const head = ["milliseconds", ...cases.map(({ title }) => title)];
  const lines = names.map((name) => [name, ...columns.map((column) => (column[name] ?? NaN).toFixed(2))]);
  console.log(align([head, ...lines], 1).join("\n"));
}

async function runFloor(laboratory: Laboratory): Promise<Floor> {
  const { startedAt, ms, stdout } = await laboratory.runProgram("profile-floor");
  const { wall, cpu }: Instant = JSON.parse(stdout);
  const entered = { wall: wall - startedAt, cpu };
  return { entered, ms, rest: ms - entered.wall };
}

/**
 * Splits one run: the stretches from one joint to the next add up to the whole; what is spent inside is part of them.
 *
 * @param floor of the same round
 */
export function partsOf(trace: Trace, startedAt: number, ms: number, agentMs: number, floor: Floor): Parts {
  const inside = SPENT_ON.map((name) => [`  of it ${name}`, trace.spent[name] ?? 0]);
  return {
    "whole hook": ms,
    "floor (hello world)": floor.ms,
    "modules": markOf(trace, "entered").wall - startedAt - floor.entered.wall,
    ...stretchesOf(trace, "wall"),
    "exit": startedAt + ms - markOf(trace, "returned").wall - floor.rest,
    ...Object.fromEntries(inside),
    "  of it the agent's own work": agentMs,
  };
}

/**
 * What the main thread has had of the processor above the floor, until the charm came to its end: a machine that is busy
 * with other things changes little of it.
 *
 * @param floor of the same round
 */
export function processorOf(trace: Trace, floor: Floor): Parts {
  const stretches = Object.entries({
    "modules": markOf(trace, "entered").cpu - floor.entered.cpu,
    ...stretchesOf(trace, "cpu"),
  });
  return {
    "processor, above the floor": markOf(trace, "returned").cpu - floor.entered.cpu,
    ...Object.fromEntries(stretches.map(([name, ms]) => [`  ${name}`, ms])),
  };
}

/** Names of the stretches between the joints. */
const STRETCHES = ["environment, connecting", "state, charm's files, plan", "handler: databags", "commit"] as const;

/** How long it took from each joint to the next, by one of the clocks. */
function stretchesOf(trace: Trace, clock: keyof Instant): Parts {
  const times = JOINTS.map((joint) => markOf(trace, joint)[clock]);
  return Object.fromEntries(STRETCHES.map((name, at) => [name, (times[at + 1] ?? NaN) - (times[at] ?? NaN)]));
}

function markOf({ marks }: Trace, joint: Joint): Instant {
  const mark = marks[joint];
  if (!mark) throw new Error(`the charm has not come to where it ${joint}`);
  return mark;
}

function mediansOf(parts: readonly Parts[]): Parts {
  const names = Object.keys(parts[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, quantile(parts.map((one) => one[name] ?? NaN), 0.5)]));
}
