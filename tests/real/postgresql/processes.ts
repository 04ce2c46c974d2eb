/**
 * The processes of a member: Patroni, which is a child of the test, and its PostgreSQL, which need not be.
 *
 * @module
 */

/** Milliseconds that a member has for its orderly end. */
const STOP_MS = 60_000;
const POLL_MS = 50;

/**
 * Starts Patroni. It ends with the test, and its PostgreSQL with it, also when the test is killed.
 *
 * @param options of setpriv: as whom it runs
 * @param configFile Patroni's file
 * @param directory its home; `log` in it gets all output
 */
export async function spawnPatroni(
  options: readonly string[],
  configFile: string,
  directory: string,
): Promise<Deno.ChildProcess> {
  const script = 'cd "$1" && shift && exec setpriv --pdeathsig=TERM "$@" >>log 2>&1';
  const args = ["-c", script, "sh", directory, ...options, "patroni", configFile];
  const env = { LC_ALL: "C.UTF-8", HOME: directory, PATH: "/usr/local/bin:/usr/bin:/bin" };
  const process = new Deno.Command("sh", { args, env, clearEnv: true, stdin: "null" }).spawn();
  await Promise.race([process.status, pause()]);
  return process;
}

/** Ends Patroni in order, which ends PostgreSQL first. */
export async function endMember(process: Deno.ChildProcess, dataDirectory: string): Promise<void> {
  signal(process, "SIGTERM");
  signal(process, "SIGCONT");
  const timer = setTimeout(() => signal(process, "SIGKILL"), STOP_MS);
  await process.status;
  clearTimeout(timer);
  await killServer(dataDirectory);
}

/** Kills the PostgreSQL of a data directory if there is one, and waits for its end. */
export async function killServer(dataDirectory: string): Promise<void> {
  const pid = await serverPid(dataDirectory);
  if (pid === undefined) return;
  send(pid, "SIGKILL");
  while (isAlive(pid)) await pause();
}

/** Sends a signal to a process that may have ended. */
export function signal(process: Deno.ChildProcess, name: Deno.Signal): void {
  send(process.pid, name);
}

/** Whether a process runs; one that has ended and is not waited for yet does not. */
export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The process of the server; its file may be left over from one that was killed, and the number another's. */
async function serverPid(dataDirectory: string): Promise<number | undefined> {
  try {
    const [line = ""] = (await Deno.readTextFile(`${dataDirectory}/postmaster.pid`)).split("\n");
    const pid = Number(line);
    const command = await Deno.readTextFile(`/proc/${pid}/cmdline`);
    return command.includes(dataDirectory) ? pid : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function send(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
