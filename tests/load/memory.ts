/**
 * Peak memory of hooks while they run.
 *
 * @module
 */
import type { Model } from "../model/mod.ts";

/** What was seen so far. */
export interface MemoryWatch extends Disposable {
  /** The peak of each process, in bytes. */
  peaks(): number[];
}

/** A hook lives for some ten times as long. */
const INTERVAL_MS = 5;

/** The kernel counts each process's peak itself: the last look before its end has all but all of it. */
export function watchMemory(model: Model): MemoryWatch {
  const peaks = new Map<number, number>();
  const timer = setInterval(() => {
    for (const pid of model.processes) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakOf(pid)));
  }, INTERVAL_MS);
  return {
    peaks: () => [...peaks.values()],
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function peakOf(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    // It has ended since.
    return 0;
  }
}
