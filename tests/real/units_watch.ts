/**
 * What the process list shows while a test runs: command lines, which anybody can read, and the environments that
 * programs were started with.
 *
 * @module
 */
import { procText } from "./units_processes.ts";

/** What was seen; see {@linkcode watchProcesses}. */
export interface ProcessWatch extends Disposable {
  readonly commandLines: ReadonlySet<string>;
  readonly environments: ReadonlySet<string>;
}

const SAMPLE_MS = 20;
/** A process is looked at often while it is young, when it becomes another program, and now and then later. */
const FIRST_LOOKS = 10;
const RARE = 50;

/** Looks at every process of this machine again and again. What lives shorter than a sample may go unseen. */
export function watchProcesses(): ProcessWatch {
  const commandLines = new Set<string>();
  const environments = new Set<string>();
  let looks = new Map<string, number>();
  const look = () => {
    const next = new Map<string, number>();
    for (const { name: pid } of Deno.readDirSync("/proc")) {
      if (!/^\d+$/.test(pid)) continue;
      const before = looks.get(pid) ?? 0;
      next.set(pid, before + 1);
      if (before >= FIRST_LOOKS && before % RARE !== 0) continue;
      commandLines.add(procText(pid, "cmdline").replaceAll("\0", " "));
      environments.add(procText(pid, "environ"));
    }
    looks = next;
  };
  const timer = setInterval(look, SAMPLE_MS);
  return { commandLines, environments, [Symbol.dispose]: () => clearInterval(timer) };
}
