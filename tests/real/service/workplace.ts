/**
 * A directory with a little server in it, and what runs there.
 *
 * @module
 */
import { type ServiceManager, serviceManager, type ServiceSpec } from "../../../interfaces/clients/service/service.ts";

/** Where a test's services live. */
export interface Workplace {
  readonly directory: string;
  readonly services: ServiceManager;
  /** A spec for a server that runs this shell script with these arguments. */
  spec(script: string, more?: Partial<ServiceSpec>, args?: readonly string[]): Promise<ServiceSpec>;
  /** The processes whose working directory this is: servers, their loops and children. */
  processes(): Promise<number[]>;
  /** The loop of a service. */
  loop(spec: ServiceSpec): Promise<number>;
}

/** Ends with 3 after TERM. */
export const SERVER = `trap 'exit 3' TERM
while :; do sleep 0.05; done
`;
/** Machines may be slow; nothing here is about how fast they are. */
const LIMIT_MS = 60_000;

/** Does something in a directory of its own; whatever still runs there afterwards gets KILL. */
export async function inWorkplace(work: (workplace: Workplace) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  await Deno.chmod(directory, 0o755);
  const workplace: Workplace = {
    directory,
    services: await serviceManager({ kind: "supervisor" }),
    async spec(script, more = {}, args = []) {
      const path = `${directory}/server.sh`;
      await Deno.writeTextFile(path, script);
      const argv = ["/bin/sh", path, ...args];
      return { name: "little-0", description: "little server", argv, directory, ...more };
    },
    processes: () => processesIn(directory),
    async loop({ name }) {
      const text = await Deno.readTextFile(`${directory}/${name}.pid`);
      return Number(text.split("\n")[1]?.split(" ")[0]);
    },
  };
  try {
    await work(workplace);
  } finally {
    await until("everything here has ended", async () => {
      const left = await workplace.processes();
      for (const pid of left) kill(pid);
      return left.length === 0;
    });
    await Deno.remove(directory, { recursive: true });
  }
}

/** KILL; no error when the process has ended. */
export function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Waits for something to become true. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!await isSo()) {
    if (performance.now() > end) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What a file has in it; empty when it is not there. */
export async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** What a handler that keeps a server keeps of Deno's permissions. */
const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-run", "--allow-net", "--allow-sys"];

/** Starts a process that asks the supervisor for something. */
export function hook(method: "start" | "stop", spec: ServiceSpec): Deno.ChildProcess {
  const module = new URL("./hook.ts", import.meta.url).pathname;
  const flags = ["run", ...PERMISSIONS, "--no-prompt", "--quiet", "--no-check", "--no-config", "--no-lock"];
  return new Deno.Command(Deno.execPath(), {
    args: [...flags, module, method, JSON.stringify(spec)],
    env: { JUJU_CONTEXT_ID: "little/0-start-1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Processes that their parent has not taken note of yet (zombies) have no working directory any more. */
async function processesIn(directory: string): Promise<number[]> {
  const pids: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const cwd = await Deno.readLink(`/proc/${name}/cwd`).catch(() => "");
    if (cwd === directory) pids.push(Number(name));
  }
  return pids;
}
